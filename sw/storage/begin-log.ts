import { deleteDB, openDB } from 'idb';

const NAME = 'wakelog-begin';

/**
 * Makes Chromium's LevelDB write to a new log from now on (LOG22): that is what it does when a database is deleted. Whatever
 * stands in the way of it stands in nobody else's.
 */
export async function beginLevelDbLog(): Promise<void> {
  // Only in Chromium; and only there is it LevelDB that keeps IndexedDB.
  if (!('userAgentData' in navigator)) return;
  try {
    (await openDB(NAME)).close();
    await deleteDB(NAME);
  } catch {
    // No room, or the site is being emptied: there is no next best.
  }
}
