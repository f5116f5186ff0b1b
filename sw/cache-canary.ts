import type { Canary } from '../core/engine/canary.ts';
import { jsonToMark } from '../core/engine/canary.ts';

const CACHE = 'wakelog-canary';

/** A canary that can be forgotten, when its database is deleted on purpose. */
export interface WorkerCanary extends Canary {
  readonly remove: () => Promise<void>;
}

/**
 * The canary of one database, in Cache Storage: Chromium keeps all IndexedDB databases of an origin in one LevelDB, so that a
 * second database would be rolled back, repaired or dropped together with the first (docs/decisions/0009).
 */
export function createCacheCanary(databaseName: string): WorkerCanary {
  const url = `/${CACHE}/${encodeURIComponent(databaseName)}`;
  return {
    read: async () => jsonToMark(await (await caches.match(url, { cacheName: CACHE }))?.json()),
    cover: async (mark) => (await caches.open(CACHE)).put(url, new Response(JSON.stringify(mark))),
    remove: async () => void (await (await caches.open(CACHE)).delete(url)),
  };
}
