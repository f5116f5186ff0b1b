import type { Log } from '../../../server/log.ts';
import type { SimHandler, SimRequest, SimResponse } from '../network/http.ts';
import type { SimProcess } from '../world/process.ts';
import { boundToProcess, runAs } from '../world/process.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { World } from '../world/world.ts';
import { EPOCH_MS } from '../world/world.ts';
import type { DiskBackup, ServerDisk } from './server-disk.ts';
import type { ServerLife, ServerSettings } from './server-life.ts';
import { startServerLife } from './server-life.ts';

export interface SimServerOptions extends ServerSettings {
  readonly world: World;
  /** Of the machine, for the trace. */
  readonly name: string;
  /** Where the network finds it. */
  readonly origin: string;
  readonly disk: ServerDisk;
  readonly crypto: SimCrypto;
  /** What its program has of the world: `fetch`, to reach push services. */
  readonly globals?: Readonly<Record<string, unknown>>;
  /** Its machine's wall clock, ms since 1970. */
  readonly clock?: () => number;
  /** A program was started; it listens some moments later. */
  readonly onStart?: (process: SimProcess) => void;
  /** Something that is answered as `internal` was thrown. Default: noted in the trace. */
  readonly onInternalError?: (thrown: unknown, request: SimRequest) => void;
}

/** A server's machine: its disk stays, its program comes and goes. */
export interface SimServer {
  readonly name: string;
  readonly origin: string;
  readonly disk: ServerDisk;
  /** Rejects with `ServerGone` while no program listens, and when it dies over the request. */
  readonly handle: SimHandler;
  /** Starts the program; it listens some moments later, and starts again by itself when it cannot. */
  readonly start: () => void;
  /** As SIGKILL: what was committed stays. */
  readonly kill: () => void;
  /** As SIGTERM: resolves when the program has ended in order, or was killed meanwhile. */
  readonly stop: () => Promise<void>;
  /** What was not synced is lost. */
  readonly powerCut: () => void;
  readonly backUp: () => DiskBackup;
  /** Kills the program, puts an old disk in place, and leaves the start to the caller. */
  readonly restoreBackup: (backup: DiskBackup, files?: 'kept' | 'restored') => void;
  /** Requests and the disk wait until this stall, and every other one, is released. */
  readonly stall: () => () => void;
  readonly isListening: () => boolean;
  readonly isRunning: () => boolean;
  readonly liveConnections: () => number;
  /** The program that runs now. */
  readonly process: () => SimProcess | undefined;
}

/** Nobody listens at the server's address, or not any more. */
export class ServerGone extends Error {
  override readonly name = 'ServerGone';
}

/** A program that fails to start is started again, as a supervisor does. */
const RESTART_MS = 1_000;

interface Run {
  readonly process: SimProcess;
  /** Once it listens. */
  life: ServerLife | undefined;
  /** Rejects what it has not answered. */
  readonly pending: Set<(error: Error) => void>;
}

export function createSimServer(options: SimServerOptions): SimServer {
  const { world, name, origin, disk, crypto } = options;
  let run: Run | undefined;
  let stalls = 0;
  let stalled = Promise.withResolvers<void>();
  let cancelRestart = (): void => undefined;

  function start(): void {
    if (run !== undefined) return;
    cancelRestart();
    const pending = new Set<(error: Error) => void>();
    const { globals = {}, clock = () => EPOCH_MS + world.now() } = options;
    // As Date.now gives it: whole ms.
    const process = world.spawn({ name, globals, clock: () => Math.floor(clock()) }, () => undefined);
    const fresh: Run = { process, life: undefined, pending };
    run = fresh;
    process.onDeath(() => {
      if (run === fresh) run = undefined;
      for (const reject of pending) reject(new ServerGone('the server died'));
    });
    options.onStart?.(process);
    runAs(process, () => void listen(fresh));
  }

  async function listen(fresh: Run): Promise<void> {
    try {
      fresh.life = await startServerLife({
        settings: options,
        disk: disk.connect(),
        crypto,
        log: createTraceLog(world, name),
        onInternalError: options.onInternalError ?? noteInternalError,
      });
      world.trace(`${name} listens`);
    } catch (error) {
      world.trace(`${name} cannot start: ${String(error)}`);
      world.kill(fresh.process);
      cancelRestart = world.after(RESTART_MS, `${name} restarts`, start);
    }
  }

  function noteInternalError(thrown: unknown, request: SimRequest): void {
    world.trace(`${name} ${request.method} ${request.url} internal: ${String(thrown)}`);
  }

  function handle(request: SimRequest): Promise<SimResponse> {
    const now = run;
    const life = now?.life;
    if (now === undefined || life === undefined) return Promise.reject(new ServerGone('nobody listens'));
    return inLife(now, async () => {
      if (stalls > 0) await stalled.promise;
      return ownBody(now, await life.answer(request));
    });
  }

  /** A streamed body is the program's, too: it runs as that, and breaks off when it dies. */
  function ownBody(now: Run, response: SimResponse): SimResponse {
    const { body } = response;
    if (typeof body !== 'function') return response;
    return {
      ...response,
      body: (sink, stopped) =>
        inLife(now, () => {
          const stop = Promise.withResolvers<void>();
          const tell = boundToProcess(stop.resolve);
          void stopped.then(() => tell());
          return body(sink, stop.promise);
        }),
    };
  }

  function inLife<T>({ process, pending }: Run, body: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!process.isAlive()) {
        reject(new ServerGone('the server died'));
        return;
      }
      pending.add(reject);
      void runAs(process, () => body().then(resolve, reject)).finally(() => pending.delete(reject));
    });
  }

  function kill(): void {
    cancelRestart();
    if (run !== undefined) world.kill(run.process);
  }

  async function stop(): Promise<void> {
    const now = run;
    const life = now?.life;
    if (now === undefined || life === undefined) return kill();
    await inLife(now, life.stop).catch((error: unknown) => world.trace(`${name} did not stop: ${String(error)}`));
    world.kill(now.process);
  }

  return {
    name,
    origin,
    disk,
    handle,
    start,
    kill,
    stop,
    powerCut() {
      kill();
      disk.powerCut();
    },
    backUp: disk.backUp,
    restoreBackup(backup, files = 'kept') {
      kill();
      disk.restore(backup, files);
    },
    stall() {
      const releaseDisk = disk.stall();
      if (stalls === 0) stalled = Promise.withResolvers<void>();
      stalls += 1;
      let isReleased = false;
      return () => {
        if (isReleased) return;
        isReleased = true;
        stalls -= 1;
        if (stalls === 0) stalled.resolve();
        releaseDisk();
      };
    },
    isListening: () => run?.life !== undefined,
    isRunning: () => run !== undefined,
    liveConnections: () => run?.life?.liveConnections() ?? 0,
    process: () => run?.process,
  };
}

function createTraceLog(world: World, name: string): Log {
  const note =
    (level: string) =>
    (_fields: object, message: string): void =>
      world.trace(`${name} ${level}: ${message}`);
  return { debug: () => undefined, info: note('info'), warn: note('warn'), error: note('error') };
}
