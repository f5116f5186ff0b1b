import type { Bytes } from '../../core/log/bytes.ts';
import { utf8 } from '../../core/log/bytes.ts';
import { StorageFull, StorageGone } from '../../core/log/row-store.ts';
import { encodeErrorReply } from '../../core/protocol/codec.ts';
import { ERRORS, WakelogError } from '../../core/protocol/errors.ts';
import { SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import type { ErrorReply } from '../../core/protocol/messages.ts';

/** How a route says what went wrong: the sync routes in CBOR, the others in JSON. */
export type ReplyForm = 'cbor' | 'json';

/** What a failed request is answered. */
export interface ErrorAnswer {
  readonly error: WakelogError;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
}

/** What a `busy` answer asks for when nothing better is known. */
const BUSY_RETRY_MS = 1_000;

/** From the closed table, whatever was thrown, and nothing else ever (SYNC9). */
export function toErrorAnswer(form: ReplyForm, thrown: unknown): ErrorAnswer {
  const error = toWakelogError(thrown);
  const retryAfterMs =
    error.retryAfterMs ?? (error.code === 'busy' || error.code === 'rate-limited' ? BUSY_RETRY_MS : undefined);
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  const reply: ErrorReply = { error: error.code, message: error.message, ...retry };
  return {
    error,
    status: ERRORS[error.code].status,
    headers: {
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
      'content-type': form === 'cbor' ? SYNC_CONTENT_TYPE : 'application/json',
      'cache-control': 'no-store',
    },
    body: form === 'cbor' ? encodeErrorReply(reply) : utf8(JSON.stringify(reply)),
  };
}

function toWakelogError(thrown: unknown): WakelogError {
  if (thrown instanceof WakelogError) return thrown;
  if (thrown instanceof StorageFull) return new WakelogError('storage-full');
  // The server is stopping: whoever comes again meets its successor.
  return new WakelogError(thrown instanceof StorageGone ? 'busy' : 'internal');
}
