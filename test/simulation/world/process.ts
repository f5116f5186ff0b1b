import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * One life of a program in the simulated world: a worker, a tab, a server, a push service. What it does is done under its
 * name, across every `await`: timers, requests and transactions belong to it, and come to nothing once it is dead.
 */
export interface SimProcess {
  /** Of the machine, not of the life: `browser-2/worker`. */
  readonly name: string;
  /** Grows with each life of the world. */
  readonly life: number;
  readonly isAlive: () => boolean;
  /** This machine's wall clock, ms since 1970: virtual time as a faulty clock shows it. */
  readonly wallClock: () => number;
  /** Seeded; from 0 up to 1. */
  readonly random: () => number;
  /** The globals that this program sees in place of Node's own, by name: `fetch`, `indexedDB`, `registration` … */
  readonly globals: Readonly<Record<string, unknown>>;
  /** Something was read or written in a store: the event that is handled now counts as a step. */
  readonly noteStore: () => void;
  /** Called once when it dies, before anything else happens. */
  readonly onDeath: (task: () => void) => void;
}

const present = new AsyncLocalStorage<SimProcess>();

/** Whose code runs now; undefined for the simulator's own. */
export function presentProcess(): SimProcess | undefined {
  return present.getStore();
}

/** Runs a body, and whatever it starts, as a process. */
export function runAs<T>(process: SimProcess, body: () => T): T {
  return present.run(process, body);
}

/** Runs a body as the simulator itself: what it starts outlives the process that caused it. */
export function runAsWorld<T>(body: () => T): T {
  return present.exit(body);
}

/**
 * A callback that runs as the process that makes it, whoever calls it, and not at all once that process is dead. For
 * listeners of things that outlive a process: a disk, a network, a channel.
 */
export function boundToProcess<A extends readonly unknown[]>(callback: (...args: A) => unknown): (...args: A) => void {
  const process = presentProcess();
  if (process === undefined) return (...args) => void callback(...args);
  return (...args) => {
    if (process.isAlive()) runAs(process, () => void callback(...args));
  };
}
