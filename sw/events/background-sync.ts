import { Queue } from 'workbox-background-sync';
import { worker } from '../global-scope.ts';
import type { SyncEvent } from '../global-scope.ts';

/** Has to be the same in every version of the worker: the browser keeps the alarm under it. */
const NAME = 'wakelog';

export interface Alarm {
  /** Rings once there is a network, also with every tab closed; where the browser has no Background Sync, never. */
  readonly set: () => Promise<void>;
}

/**
 * Background Sync as an alarm clock. Of workbox's queue only the sync event and its registration are used: a queue keeps
 * requests for seven days, deletes one before it is sent, and takes any answer for success; the outbox is the log.
 */
export function createAlarm(ring: () => Promise<void>): Alarm {
  let isSet = false;
  const hasSync = 'sync' in worker.registration;
  const queue = new Queue(NAME, {
    async onSync() {
      isSet = false;
      // Without Background Sync workbox calls at each start of the worker: while it is wired still, hence the turn, and
      // with nobody to look at a failure.
      await Promise.resolve();
      await (hasSync ? ring() : ring().catch(() => undefined));
    },
  });
  return {
    async set() {
      if (isSet) return;
      isSet = true;
      await queue.registerSync();
    },
  };
}

/** Periodic Background Sync, where the browser and its user granted it to the page. */
export function listenPeriodicSync(ring: () => Promise<unknown>): void {
  worker.addEventListener('periodicsync' as keyof ServiceWorkerGlobalScopeEventMap, (event) => {
    (event as SyncEvent).waitUntil(ring());
  });
}
