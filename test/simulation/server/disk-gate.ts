import { boundToProcess, presentProcess, runAsWorld } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';

/** How a disk waits: the world's events, or, outside of a world, Node's. The task runs as the process that waits. */
export type After = (delayMs: number, label: string, task: () => void) => void;

/** What goes wrong between a program and its disk. Every call passes here. */
export interface DiskGate {
  /** Notes a call, and returns the error that it is to fail with, if any. */
  readonly call: () => Error | undefined;
  /** Runs a task after a random time of at most so many ms, short ones being likelier; not before a stall is over. */
  readonly later: (mostMs: number, label: string, task: () => void) => void;
  /** Calls so far: a scenario that made n of them can be run n times, with another one failing each time. */
  readonly calls: () => number;
  /** The nth call from now (1: the next) fails, and has no effect. */
  readonly failNext: (nth: number, error?: Error) => void;
  /** What was set to happen at calls to come does not. */
  readonly disarm: () => void;
  /** At the nth call from now something happens first, such as the program's death. */
  readonly onCall: (nth: number, task: () => void) => void;
  /** Every call waits from now on; returns the way to let them go on. */
  readonly stall: () => () => void;
}

/** What a broken disk says. */
export class DiskFailed extends Error {
  override readonly name = 'DiskFailed';
}

export function createDiskGate(after: After, random: SimRandom): DiskGate {
  let [calls, stalls] = [0, 0];
  const armed = new Map<number, () => Error | undefined>();
  let parked: (() => void)[] = [];

  function pass(task: () => void): void {
    if (stalls === 0) task();
    else parked.push(boundToProcess(task));
  }

  return {
    call() {
      presentProcess()?.noteStore();
      calls += 1;
      const task = armed.get(calls);
      armed.delete(calls);
      return task?.();
    },
    later(mostMs, label, task) {
      after(mostMs * random.next() ** 3, label, () => pass(task));
    },
    calls: () => calls,
    failNext(nth, error = new DiskFailed('the disk failed')) {
      armed.set(calls + nth, () => error);
    },
    onCall(nth, task) {
      armed.set(calls + nth, () => runAsWorld(task) as undefined);
    },
    disarm: () => armed.clear(),
    stall() {
      stalls += 1;
      let isReleased = false;
      return () => {
        if (isReleased) return;
        isReleased = true;
        stalls -= 1;
        if (stalls > 0) return;
        const waiting = parked;
        parked = [];
        for (const task of waiting) task();
      };
    },
  };
}
