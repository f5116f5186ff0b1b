import type { Crypto } from './crypto.ts';
import { createLogStore } from './create-log-store.ts';
import { eraseBody } from './erase-body.ts';
import { DEFAULT_READ_BYTES, readAfter, readArrival } from './log-reads.ts';
import type { ServingLogStore } from './log-store.ts';
import type { RowStore } from './row-store.ts';

/** A log store that others are served from. A worker, whose size counts, does without. */
export function createServingLogStore(rows: RowStore, crypto: Pick<Crypto, 'sha256'>): ServingLogStore {
  // Only sha256 is used of it.
  const hasher = crypto as Crypto;
  return {
    ...createLogStore(rows, crypto),
    after: (position, maxBytes = DEFAULT_READ_BYTES) => readAfter(rows, hasher, position, maxBytes),
    arrival: (position) => readArrival(rows, hasher, position),
    eraseBody: (log, sequence, part) => eraseBody(rows, hasher, log, sequence, part),
  };
}
