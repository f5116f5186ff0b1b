import { worker } from './global-scope.ts';

/**
 * A new version of the worker takes over once no event of this one is under way, and browsers wait minutes for that. What
 * an event only waits for, so that the browser lets the worker live that long, is let go then: the log and the alarm have
 * all of it, and the new version goes on.
 */
export interface HandOver {
  /** Resolves when the work ends, well or badly, or at once when a new version is coming. */
  readonly whileInCharge: (work: Promise<unknown>) => Promise<void>;
  /** The same for an event that the browser sends again when it fails: rejects as the work does, and when it was let go. */
  readonly orAgain: (work: Promise<void>) => Promise<void>;
  /** A new version was found. */
  readonly begin: () => void;
}

/**
 * Whether a new version is coming. Asked of the browser each time: this one may have been stopped and started again since
 * the new one was found, and that one may fail to be installed.
 */
export function isNewVersionComing(): boolean {
  const { installing, waiting } = worker.registration;
  return installing !== null || waiting !== null;
}

export function createHandOver(isComing: () => boolean = isNewVersionComing): HandOver {
  const waiting = new Set<() => void>();
  const whileInCharge = (work: Promise<unknown>): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        waiting.delete(end);
        resolve();
      };
      waiting.add(end);
      work.then(end, end);
      if (isComing()) end();
    });
  return {
    whileInCharge,
    async orAgain(work) {
      await whileInCharge(work);
      if (isComing()) throw new Error('left to the new version of the worker');
      await work;
    },
    begin() {
      for (const end of waiting) end();
    },
  };
}
