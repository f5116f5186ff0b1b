import type { Bytes } from '../../../core/log/bytes.ts';
import { decodeSyncRequest, decodeSyncResponse, encodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { encodeFrame, LIVE_HEARTBEAT_MS } from '../../../core/protocol/frames.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { SimHandler, SimRequest, SimResponse } from '../network/http.ts';
import type { Fault } from '../plan/plan.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { EPOCH_MS } from '../world/world.ts';
import { ORIGIN } from '../workload/worker-options.ts';
import { intrusionsOf } from './intrusions.ts';
import type { TellLie } from './lies.ts';
import { LIES_TOLD } from './lies.ts';

/** Puts a liar between a machine and its server for a while: it holds a valid certificate and may say anything. */
export function startLying(universe: Universe, machine: Machine, fault: Extract<Fault, { kind: 'lying-server' }>): void {
  const { world, network } = universe;
  const random = world.random.fork(`liar ${machine.name} ${world.now()}`);
  const address = `https://liar-${Math.floor(world.now())}.${machine.name}.sim`;
  intrusionsOf(world).setDeceiving(true);
  const process = world.spawn({ name: `liar of ${machine.name}`, globals: {} }, () => undefined);
  const lie = LIES_TOLD[fault.lie]({ universe, random, space: machine.scope.space });
  network.serve(address, process, createLiar(universe, lie));
  network.divert(machine.name, ORIGIN, address);
  // What stands already would go on with the real one.
  if (!network.isPartitioned(machine.name, ORIGIN)) {
    network.partition(machine.name, ORIGIN);
    network.mend(machine.name, ORIGIN);
  }
  world.after(fault.forMs, 'a liar leaves', () => {
    network.divert(machine.name, ORIGIN, undefined);
    world.kill(process);
  });
}

function createLiar({ world, network }: Universe, tell: TellLie): SimHandler {
  const send = network.fetchFor('liar', ORIGIN);
  const headers = { 'content-type': SYNC_CONTENT_TYPE };

  async function forward({ method, url, headers: asked, body }: SimRequest): Promise<SimResponse> {
    const response = await send(url, { method, headers: asked, ...(body.length > 0 ? { body } : {}) });
    return { status: response.status, headers: Object.fromEntries(response.headers.entries()), body: new Uint8Array(await response.arrayBuffer()) };
  }

  async function answerSync(request: SimRequest): Promise<SimResponse> {
    const decoded = decodeSyncRequest(request.body as Bytes);
    const part = typeof decoded === 'string' ? undefined : decoded.spaces[0];
    if (typeof decoded === 'string' || part === undefined) return forward(request);
    const said = await tell({
      asked: part,
      async ask(other) {
        const response = await forward({ ...request, body: encodeSyncRequest({ ...decoded, spaces: [other] }) });
        const honest = response.status === 200 ? decodeSyncResponse(response.body as Bytes) : 'malformed';
        return typeof honest === 'string' ? undefined : honest.spaces[0];
      },
    });
    if (said === undefined) return { status: 503, headers: {}, body: new Uint8Array(0) };
    return { status: 200, headers, body: said instanceof Uint8Array ? said : encodeSyncResponse({ time: Math.floor(EPOCH_MS + world.now()), spaces: [said] }) };
  }

  /** A stream that stands and says nothing. */
  function answerLive(): SimResponse {
    return {
      status: 200,
      headers,
      async body(sink, stopped) {
        const beat = (): boolean => sink.write(encodeFrame(new Uint8Array(0)));
        beat();
        const timer = setInterval(beat, LIVE_HEARTBEAT_MS);
        await stopped;
        clearInterval(timer);
      },
    };
  }

  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith('/sync')) return answerSync(request).catch((error: unknown) => {
        // The server is not there; anything else is a mistake of ours.
        if (!(error instanceof TypeError) || error.message.includes('message')) world.fail('crash', `a liar: ${String(error)}`);
        throw error;
      });
    return pathname.endsWith('/live') ? answerLive() : forward(request);
  };
}
