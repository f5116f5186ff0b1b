import type { SimProcess } from '../../world/process.ts';
import { runAs } from '../../world/process.ts';
import type { World } from '../../world/world.ts';
import type { Connection } from './connection.ts';
import { noAnswer } from './connection.ts';
import type { FetchAsked } from './fetch-input.ts';
import type { SimHandler, SimResponse } from '../http.ts';
import type { Link } from './link.ts';
import { crossingMs } from './link.ts';
import type { Pipe } from './pipe.ts';
import { createPipe } from './pipe.ts';
import type { Plan } from './plan.ts';
import { page, planRequest } from './plan.ts';
import { createServerEnd } from './server-end.ts';
import type { ServerEnd } from './server-end.ts';
import type { BodySource } from './sim-response.ts';

export interface Server {
  readonly process: SimProcess;
  readonly handler: SimHandler;
  readonly open: Set<Connection>;
}

/** An answer's head, and where its body is read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: BodySource;
}

export interface ExchangeOptions {
  readonly world: World;
  readonly link: Link;
  readonly asked: FetchAsked;
  /** Whose request it is; undefined: the simulator's own. */
  readonly client: SimProcess | undefined;
  /** Who answers for the origin at this moment. */
  readonly server: () => Server | undefined;
  /** Called when a connection begins, returns what to call when it has ended. */
  readonly register: (connection: Connection) => () => void;
}

/** A machine that lost its power says nothing more; a process that died has its connections closed by its system. */
const POWER_LOSS_SHARE = 0.2;

/** One request crosses its link, is answered, and the answer crosses back. */
export function exchange(options: ExchangeOptions): Promise<Answer> {
  return new Promise((resolve, reject) => run(options, resolve, reject));
}

function run(options: ExchangeOptions, resolve: (answer: Answer) => void, reject: (error: unknown) => void): void {
  const { world, link, asked, client } = options;
  const { request, signal } = asked;
  const { random, traffic } = link;
  if (signal?.aborted === true) return reject(signal.reason);
  traffic.requests += 1;
  traffic.up += request.body.length;
  const plan = planRequest(link.faults, request, link.faultRandom, ({ kind }) => world.trace(`${link.name} ${kind}`));
  let [over, hasHead, silent] = [false, false, false];
  let pipe: Pipe | undefined;
  let serverEnd: ServerEnd | undefined;
  let server: Server | undefined;

  const connection: Connection = {
    breakOff(error) {
      if (over) return;
      serverEnd?.stop();
      if (hasHead) pipe?.breakOff(error);
      else fail(error);
    },
    leave() {
      if (over) return;
      serverEnd?.stop();
      if (pipe === undefined) close();
      else pipe.cancel();
    },
    died() {
      if (over) return;
      silent ||= random.chance(POWER_LOSS_SHARE);
      serverEnd?.stop();
      close();
    },
    serverDied() {
      if (over || plan.lost !== undefined || random.chance(POWER_LOSS_SHARE)) return pipe?.mute();
      if (hasHead) pipe?.end(noAnswer('connection reset'));
      // The head may be on its way, and be there first.
      else later(crossingMs(link, 0), () => connection.breakOff(noAnswer('connection reset')));
    },
  };
  const unregister = options.register(connection);
  const onAbort = (): void => connection.breakOff(signal?.reason);
  signal?.addEventListener('abort', onAbort);

  function close(): void {
    over = true;
    pipe?.mute();
    signal?.removeEventListener('abort', onAbort);
    server?.open.delete(connection);
    unregister();
  }

  function fail(error: unknown): void {
    if (over) return;
    close();
    if (client?.isAlive() !== false) reject(error);
  }

  function later(delayMs: number, task: () => void): void {
    world.after(delayMs, link.name, task);
  }

  /** Whether something gets through now; the program hears that nothing does, or does not. */
  function passes(): boolean {
    if (link.partition === 'refused') connection.breakOff(noAnswer('no network'));
    return link.partition === undefined;
  }

  function send(): void {
    const upMs = crossingMs(link, request.body.length) + plan.upMs;
    if (plan.lost === 'request') return loseAfter(upMs);
    if (plan.answer !== undefined) later(upMs, () => passes() && receive(plan.answer as SimResponse));
    if (!plan.reaches) return;
    if (plan.duplicateAfterMs !== undefined) later(upMs + plan.duplicateAfterMs, arriveAgain);
    if (plan.overtakenWithinMs === undefined) return later(upMs, arrive);
    let held = true;
    const letGo = (): void => {
      if (!held) return;
      held = false;
      arrive();
    };
    link.held.push(letGo);
    later(upMs + plan.overtakenWithinMs, letGo);
  }

  function loseAfter(ms: number): void {
    if (plan.lostAfterMs !== undefined) later(ms + plan.lostAfterMs, () => fail(noAnswer('connection lost')));
  }

  function arrive(): void {
    if (!passes()) return;
    const present = options.server();
    if (present === undefined) {
      if (plan.answer === undefined) later(crossingMs(link, 0), () => fail(noAnswer('connection refused')));
      return;
    }
    if (!over) {
      server = present;
      present.open.add(connection);
    }
    void ask(present).then((response) => {
      if (present.process.isAlive()) answer(response, present);
    });
    for (const letGo of link.held.splice(0)) later(crossingMs(link, 0), letGo);
  }

  function arriveAgain(): void {
    const present = options.server();
    if (present === undefined || link.partition !== undefined) return;
    void ask(present).then(({ body }) => {
      if (typeof body !== 'function' || !present.process.isAlive()) return;
      const end = createServerEnd({ world, link, process: present.process, isSilent: () => false });
      end.stop();
      return end.run(body);
    });
  }

  function ask({ process, handler }: Server): Promise<SimResponse> {
    return runAs(process, () => handler(request)).catch((error: unknown) => {
      world.trace(`${link.name} handler failed: ${String(error)}`);
      return page(500, '<h1>500</h1>');
    });
  }

  /** The server has answered. */
  function answer(response: SimResponse, from: Server): void {
    const { body } = response;
    if (typeof body === 'function') return stream(response, from);
    traffic.down += body.length;
    if (over) return;
    if (plan.lost === 'response') return loseAfter(crossingMs(link, 0));
    later(crossingMs(link, body.length) + plan.downMs, () => passes() && receive(response));
  }

  /** A streamed body is written from now on, whoever gets to see it. */
  function stream(response: SimResponse, { process }: Server): void {
    if (typeof response.body !== 'function') return;
    const end = createServerEnd({ world, link, process, isSilent: () => silent });
    serverEnd = end;
    if (over) end.stop();
    else {
      const headMs = crossingMs(link, 0) + plan.downMs;
      const flow = openPipe(end.onRead, headMs);
      end.attach(flow);
      if (plan.lost === undefined) {
        later(headMs, () => !over && passes() && deliver(response, flow));
        if (plan.streamEnd !== undefined) endStream(flow, end, plan.streamEnd);
      } else {
        flow.mute();
        silent = plan.lostAfterMs === undefined;
        if (!silent) end.stop();
        loseAfter(headMs);
      }
    }
    void end.run(response.body);
  }

  function endStream(flow: Pipe, end: ServerEnd, { afterMs, how }: NonNullable<Plan['streamEnd']>): void {
    later(plan.downMs + afterMs, () => {
      if (over) return;
      silent = how === 'silence';
      if (silent) return flow.mute();
      flow.end(how === 'error' ? noAnswer('connection reset') : undefined);
      end.stop();
    });
  }

  function openPipe(onRead: () => void, firstMs: number): Pipe {
    pipe = createPipe({
      world,
      random,
      label: link.name,
      shape: { drip: plan.drip, shredMs: plan.shredMs, delayMs: (bytes) => crossingMs(link, bytes) + plan.downMs },
      firstMs,
      passes: () => !over && passes(),
      onSettled: close,
      onRead,
    });
    return pipe;
  }

  /** A whole answer arrives: all at once, unless a fault shapes it. */
  function receive(response: SimResponse): void {
    if (over) return;
    const body = response.body as Uint8Array;
    if (plan.cut === undefined && plan.drip === undefined && plan.shredMs === undefined) {
      close();
      deliver(response, wholeBody(body));
      return;
    }
    const flow = openPipe(() => undefined, 0);
    flow.write(plan.cut === undefined ? body : body.subarray(0, random.int(body.length)));
    flow.end(plan.cut === 'error' ? noAnswer('connection reset') : undefined);
    deliver(response, flow);
  }

  function deliver({ status, headers }: SimResponse, body: Pick<Pipe, 'read'>): void {
    hasHead = true;
    world.trace(`${link.name} ${status}`);
    const cancel = (): void => connection.leave();
    resolve({ status, headers, source: { read: body.read, cancel } });
  }

  if (link.partition === 'refused') later(1, () => fail(noAnswer('no network')));
  else send();
}

function wholeBody(body: Uint8Array): Pick<Pipe, 'read'> {
  let isRead = body.length === 0;
  return {
    async read() {
      if (isRead) return { done: true, value: undefined };
      isRead = true;
      return { done: false, value: body };
    },
  };
}
