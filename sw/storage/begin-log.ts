import { deleteDB, openDB } from 'idb';

const NAME = 'wakelog-begin';
/** LevelDB begins another log by itself after 4 MB, in the middle of whatever is being written. */
const ROOM_BYTES = 2_000_000;
/** What a record takes besides its bytes, its key and a transaction's small records with it: about half as much was seen. */
const RECORD_BYTES = 1_000;
/** It takes some ms. Whatever holds it up holds up no write for longer. */
const WITHIN_MS = 1_000;

/** The log that Chromium's LevelDB writes now, of all databases of the site: one of it for each worker (LOG22, LOG23). */
export interface LogRoom {
  /** So much is being written to it. */
  readonly use: (bytes: number) => void;
  /** Has LevelDB begin another one; does nothing in other browsers. */
  readonly begin: () => Promise<void>;
  /** Makes a strict transaction: at once while there is room, else once another log was begun. */
  readonly strict: <T>(write: () => Promise<T>) => Promise<T>;
}

export function createLogRoom(): LogRoom {
  // Nobody knows what others have written to it.
  let left = 0;
  let beginning: Promise<void> | undefined;
  const open = new Set<Promise<unknown>>();

  function begin(): Promise<void> {
    // Only there is it LevelDB that keeps IndexedDB.
    if (!('userAgentData' in navigator)) return Promise.resolve();
    return (beginning ??= beginAnother());
  }

  async function beginAnother(): Promise<void> {
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
    begin,
    strict(write) {
      if (left <= 0) void begin();
      const writing = beginning === undefined ? write() : beginning.then(write);
      const forget = (): unknown => open.delete(writing);
      open.add(writing);
      writing.then(forget, forget);
      return writing;
    },
  };
}

/** LevelDB writes to a new log from the moment on in which a database is deleted. Whatever stands in the way of it stands in nobody else's. */
async function beginLevelDbLog(): Promise<void> {
  const doing = openDB(NAME).then((database) => {
    database.close();
    return deleteDB(NAME);
  });
  // No room, or the site is being emptied: there is no next best.
  const done = doing.catch(() => undefined);
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, WITHIN_MS))]);
}
