import type { SimProcess } from './process.ts';
import { runAs, runAsWorld } from './process.ts';
import type { EventQueue, WorldEvent } from './event-queue.ts';
import { createEventQueue } from './event-queue.ts';
import type { SimRandom } from './random.ts';
import { createRandom } from './random.ts';
import { createTrace } from './trace.ts';

/** Virtual time begins here; wall clocks of machines differ from it by their own faults. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** The first broken invariant of a run. `rule`: an id of docs/spec.md, or a row of the requirements. */
export interface Failure {
  readonly rule: string;
  readonly text: string;
  /** Virtual ms. */
  readonly at: number;
}

export interface SpawnOptions {
  readonly name: string;
  readonly globals: Readonly<Record<string, unknown>>;
  /** ms since 1970; default: a right clock. */
  readonly clock?: () => number;
}

/** One simulated world: virtual time, one seed, everything that happens in it in one order. */
export interface World {
  readonly seed: number;
  /** Virtual ms since the world began. */
  readonly now: () => number;
  readonly random: SimRandom;
  /**
   * Runs a task after virtual ms, by time, then in the order of scheduling; as `process`, and not at all when that is dead
   * by then, or else as the world. Returns the way to cancel it.
   */
  readonly after: (delayMs: number, label: string, task: () => void, process?: SimProcess) => () => void;
  readonly spawn: (options: SpawnOptions, main: () => void) => SimProcess;
  readonly kill: (process: SimProcess) => void;
  readonly trace: (line: string) => void;
  readonly traceLines: () => readonly string[];
  readonly traceHash: () => string;
  /** Something that must never happen did; the run ends with it. */
  readonly fail: (rule: string, text: string) => void;
  readonly failure: () => Failure | undefined;
  /** Events handled by a device or a server that read or wrote its store. */
  readonly steps: () => number;
  readonly events: () => number;
  /** Goes on until nothing is left to happen before `untilMs`, `isDone` holds, or an invariant broke. */
  readonly run: (untilMs: number, isDone?: () => boolean) => Promise<void>;
}

interface Task extends WorldEvent {
  readonly label: string;
  readonly task: () => void;
  readonly process: SimProcess | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  /** Lines of the trace to keep; default none. */
  readonly keptLines?: number;
}

/** The world's own events in one go, before Node's event loop has a turn: for signals, and for what was rejected and is nobody's. */
const EVENTS_PER_TURN = 2_000;

export function createWorld({ seed, keptLines = 0 }: WorldOptions): World {
  const random = createRandom(seed);
  const trace = createTrace(keptLines);
  const queue: EventQueue<Task> = createEventQueue();
  let [now, order, steps, events, lives] = [0, 0, 0, 0, 0];
  let stored = false;
  let failure: Failure | undefined;

  function after(delayMs: number, label: string, task: () => void, process?: SimProcess): () => void {
    const event: Task = { time: now + Math.max(0, delayMs), order: order++, cancelled: false, label, task, process };
    queue.push(event);
    return () => {
      event.cancelled = true;
    };
  }

  function fail(rule: string, text: string): void {
    failure ??= { rule, text, at: now };
  }

  const alive = new Map<SimProcess, (() => void)[]>();

  function spawn({ name, globals, clock }: SpawnOptions, main: () => void): SimProcess {
    const own = random.fork(`process ${lives}`);
    const endings: (() => void)[] = [];
    const process: SimProcess = {
      name,
      life: lives++,
      isAlive: () => alive.has(process),
      wallClock: clock ?? (() => EPOCH_MS + now),
      random: own.next,
      globals,
      noteStore: () => {
        stored = true;
      },
      onDeath: (task) => void endings.push(task),
    };
    alive.set(process, endings);
    trace.note(`${now.toFixed(3)} ${name}#${process.life} starts`);
    runAs(process, main);
    return process;
  }

  function kill(process: SimProcess): void {
    const endings = alive.get(process);
    if (endings === undefined) return;
    alive.delete(process);
    trace.note(`${now.toFixed(3)} ${process.name}#${process.life} dies`);
    runAsWorld(() => {
      for (const end of endings) end();
    });
  }

  function handle(event: Task): void {
    if (event.process !== undefined && !alive.has(event.process)) return;
    now = event.time;
    events += 1;
    trace.note(`${now.toFixed(3)} ${event.process?.name ?? 'world'} ${event.label}`);
    stored = false;
    try {
      if (event.process === undefined) event.task();
      else runAs(event.process, event.task);
      drainMicrotasks();
    } catch (error) {
      fail('crash', `${event.process?.name ?? 'world'} ${event.label}: ${describe(error)}`);
    }
    if (stored) steps += 1;
  }

  function turn(untilMs: number, isDone: () => boolean): 'more' | 'done' {
    for (let i = 0; i < EVENTS_PER_TURN; i++) {
      if (failure !== undefined || isDone()) return 'done';
      const next = queue.peek();
      if (next === undefined || next.time > untilMs) {
        now = Math.max(now, untilMs);
        return 'done';
      }
      queue.pop();
      if (!next.cancelled) handle(next);
    }
    return 'more';
  }

  return {
    seed,
    now: () => now,
    random,
    after,
    spawn,
    kill,
    trace: (line) => trace.note(`${now.toFixed(3)} ${line}`),
    traceLines: trace.lines,
    traceHash: trace.hash,
    fail,
    failure: () => failure,
    steps: () => steps,
    events: () => events,
    run(untilMs, isDone = () => false) {
      return new Promise((resolve, reject) => {
        const goOn = (): void => {
          try {
            if (turn(untilMs, isDone) === 'done') resolve();
            else realSetImmediate(goOn);
          } catch (error) {
            reject(error);
          }
        };
        // From an event of Node's own: microtasks can be drained there, and nowhere else.
        realSetImmediate(goOn);
      });
    },
  };
}

const realSetImmediate = setImmediate;

/** Runs everything that waits to be run at once, in its order, before the next event of the world. */
function drainMicrotasks(): void {
  (process as unknown as { _tickCallback: () => void })._tickCallback();
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
