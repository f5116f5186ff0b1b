/**
 * A new version of the worker takes over once no event of this one is under way, and browsers wait minutes for that. What
 * an event only waits for, so that the browser lets the worker live that long, is let go then: the log and the alarm have
 * all of it, and the new version goes on.
 */
export interface HandOver {
  /** Resolves when the work ends, well or badly, or at once when a new version waits. */
  readonly whileInCharge: (work: Promise<unknown>) => Promise<void>;
  readonly begin: () => void;
  /** The new version could not be installed: this one stays in charge. */
  readonly cancel: () => void;
}

export function createHandOver(): HandOver {
  const waiting = new Set<() => void>();
  let begun = false;
  return {
    whileInCharge: (work) =>
      new Promise((resolve) => {
        const end = (): void => {
          waiting.delete(end);
          resolve();
        };
        waiting.add(end);
        work.then(end, end);
        if (begun) end();
      }),
    begin() {
      begun = true;
      for (const end of waiting) end();
    },
    cancel() {
      begun = false;
    },
  };
}
