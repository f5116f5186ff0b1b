import type { Clock } from '../core/engine/ports.ts';

/** No request for so long is a pause of the pages; the next of a row comes sooner, on a machine that is not overloaded. */
export const QUIET_MS = 100;
/** Where that was too short a time once. */
export const LONG_QUIET_MS = 1_000;
/** Requests in a row after which nobody waits for a pause of theirs: some pages never make one. */
export const LONGEST_ROW = 500;

/** Finds the moment in which pages pause, from when their requests begin and end. */
export interface Quiet {
  readonly enter: () => void;
  /** Resolves at the next pause when it is to wait for that or somebody does already, else at once. */
  readonly leave: (wait: boolean) => Promise<void>;
}

/** `onPause` is told before those who wait are let go. */
export function createQuiet(clock: Clock, quietMs: number, onPause: () => void): Quiet {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  let cancel = (): void => {};

  function pass(): void {
    onPause();
    for (const resolve of waiting.splice(0)) resolve();
  }

  return {
    enter() {
      underWay += 1;
      cancel();
    },
    async leave(wait) {
      underWay -= 1;
      if (!wait && waiting.length === 0) return;
      await new Promise<void>((resolve) => {
        if (waiting.push(resolve) === LONGEST_ROW) pass();
        else if (underWay === 0) cancel = clock.after(quietMs, pass);
      });
    },
  };
}
