/**
 * What Chromium's LevelDB makes of a kill in the middle of a write (LOG22, docs/decisions/0011): the log has a torn end, which
 * is passed over at the next start; what is then written behind it makes the start after that find the log broken, and the site's
 * databases are deleted. A deleted database begins a new log, and all is well.
 */
export interface TornEnd {
  /** The browser was killed within a write. */
  readonly tear: () => void;
  /** Something was committed to a database. */
  readonly written: (database: string) => void;
  /** A database was deleted, or all of them. */
  readonly begun: () => void;
  /** The browser starts; whether it finds the log broken. */
  readonly start: () => boolean;
}

/** What is written behind the torn end to make a new log: a kill within these milliseconds is the one that nobody can prevent. */
const BEGINNING = 'wakelog-begin';

export function createTornEnd(): TornEnd {
  let state: 'whole' | 'killed within a write' | 'torn' | 'written behind' = 'whole';
  return {
    tear() {
      // What reached the disk before the browser was gone is before the end.
      if (state === 'whole') state = 'killed within a write';
    },
    written(database) {
      if (state === 'torn' && database !== BEGINNING) state = 'written behind';
    },
    begun() {
      state = 'whole';
    },
    start() {
      if (state === 'killed within a write') state = 'torn';
      return state === 'written behind';
    },
  };
}
