/** One request under way, as those see it who can end it. */
export interface Connection {
  /** The program sees an error, now. */
  readonly breakOff: (error: unknown) => void;
  /** The program wants no more. */
  readonly leave: () => void;
  /** The program is no more. */
  readonly died: () => void;
  /** The server's process is no more. */
  readonly serverDied: () => void;
}

/** What `fetch` and body readers reject with when the network is to blame. */
export function noAnswer(why: string): TypeError {
  return new TypeError(`Failed to fetch: ${why}`);
}
