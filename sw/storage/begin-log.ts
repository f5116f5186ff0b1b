import { deleteDB, openDB } from 'idb';

const NAME = 'wakelog-begin';
/** LevelDB begins another log by itself after 4 MB, in the middle of whatever is being written. */
const ROOM_BYTES = 2_000_000;
/** What a record takes besides its bytes, its key and a transaction's small records with it: about half as much was seen. */
const RECORD_BYTES = 1_000;

/** How much may still be written to the log that Chromium's LevelDB writes now (LOG23). */
export interface LogRoom {
  readonly use: (bytes: number) => void;
  /** Makes a strict transaction: at once while there is room, and in every other browser; else once another log was begun. */
  readonly strict: <T>(write: () => Promise<T>) => Promise<T>;
}

export function createLogRoom(): LogRoom {
  // Nobody knows what others have written to it.
  let left = 0;
  let beginning: Promise<void> | undefined;
  const open = new Set<Promise<unknown>>();

  async function begin(): Promise<void> {
    // It would tear them.
    await Promise.allSettled(open);
    await beginLevelDbLog();
    left = ROOM_BYTES;
    beginning = undefined;
  }

  return {
    use(bytes) {
      // What was there before is often written once more.
      left -= RECORD_BYTES + 2 * bytes;
    },
    strict(write) {
      if (left <= 0 && isChromium()) beginning ??= begin();
      const writing = beginning === undefined ? write() : beginning.then(write);
      const forget = (): unknown => open.delete(writing);
      open.add(writing);
      writing.then(forget, forget);
      return writing;
    },
  };
}

/**
 * Makes Chromium's LevelDB write to a new log from now on (LOG22, LOG23): that is what it does when a database is deleted. Whatever
 * stands in the way of it stands in nobody else's.
 */
export async function beginLevelDbLog(): Promise<void> {
  if (!isChromium()) return;
  try {
    (await openDB(NAME)).close();
    await deleteDB(NAME);
  } catch {
    // No room, or the site is being emptied: there is no next best.
  }
}

/** Only there is it LevelDB that keeps IndexedDB. */
function isChromium(): boolean {
  return 'userAgentData' in navigator;
}
