import type { Clock } from '../core/engine/ports.ts';
import { worker } from './global-scope.ts';
import { createQuiet, LONG_QUIET_MS, QUIET_MS } from './quiet.ts';
import { webClock } from './web-ports.ts';

/**
 * A new version of the worker takes over once no event of this one is under way, and browsers wait minutes for that. What
 * an event only waits for, so that the browser lets the worker live that long, is let go then: the log and the alarm have
 * all of it, and the new version goes on.
 *
 * Nor may it end too early. Chromium orders the old version, once, to end at its first idle moment. A request that comes
 * while it ends, as the next of a row does, starts it again without that order, and it stays until no page has said a
 * word for 30 s. So it stays at work until the pages are quiet, and when it was started again all the same, has the new
 * version ask for the order again: that counts once more, a third time nothing does.
 */
export interface HandOver {
  /** Resolves when the work ends, well or badly, or at once when a new version is coming. */
  readonly whileInCharge: (work: Promise<unknown>) => Promise<void>;
  /** The same for an event that the browser sends again when it fails: rejects as the work does, and when it was let go. */
  readonly orAgain: (work: Promise<void>) => Promise<void>;
  /** Resolves when the work ends, well or badly; while a new version is coming, once nothing else was asked for a moment. */
  readonly untilQuiet: (work: Promise<unknown>) => Promise<void>;
  /** A new version was found. */
  readonly begin: () => void;
}

const YOUR_TURN = 'wakelog:your-turn';

/**
 * Whether a new version is coming. Asked of the browser each time: this one may have been stopped and started again since
 * the new one was found, and that one may fail to be installed.
 */
export function isNewVersionComing(): boolean {
  const { installing, waiting } = worker.registration;
  return installing !== null || waiting !== null;
}

/** Has the version that waits, if there is one, ask for its turn. */
function urgeNewVersion(): void {
  worker.registration.waiting?.postMessage(YOUR_TURN);
}

/** The other end of `urgeNewVersion`, in the version that waits. */
export function listenForTurn(): void {
  worker.addEventListener('message', ({ data }) => {
    if (data === YOUR_TURN) void worker.skipWaiting();
  });
}

export function createHandOver(
  isComing: () => boolean = isNewVersionComing,
  urge: () => void = urgeNewVersion,
  clock: Clock = webClock,
): HandOver {
  const waiting = new Set<() => void>();
  const isLate = isComing();
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
  const quiet = createQuiet(clock, isLate ? LONG_QUIET_MS : QUIET_MS, () => {
    if (isLate) urge();
  });
  return {
    whileInCharge,
    async orAgain(work) {
      await whileInCharge(work);
      if (isComing()) throw new Error('left to the new version of the worker');
      await work;
    },
    async untilQuiet(work) {
      quiet.enter();
      await work.catch(() => undefined);
      await quiet.leave(isComing());
    },
    begin() {
      for (const end of waiting) end();
    },
  };
}
