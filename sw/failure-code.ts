import { StorageFull, StorageGone, StorageTooNew } from '../core/log/row-store.ts';
import type { ErrorCode } from '../core/protocol/errors.ts';
import { WakelogError } from '../core/protocol/errors.ts';

/** What a page is told of a failure, by its own request to the worker or by a captured one. */
export function failureCode(error: unknown): ErrorCode {
  if (error instanceof WakelogError) return error.code;
  if (error instanceof StorageFull) return 'storage-full';
  // The browser just emptied the database, or a newer version of the worker holds it, or is about to: it is to ask again.
  if (error instanceof StorageGone || error instanceof StorageTooNew) return 'busy';
  return 'internal';
}
