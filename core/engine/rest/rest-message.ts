import type { Json } from '../../log/body.ts';
import type { Bytes } from '../../log/bytes.ts';
import { utf8 } from '../../log/bytes.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { ERRORS } from '../../protocol/errors.ts';
import type { Version } from '../../views/key-value/item.ts';

/** A request to a REST collection, as the worker's fetch event and express both have it. */
export interface RestRequest {
  readonly method: string;
  /** The URL's path, percent-encoded as it came. A query changes nothing (CAP22). */
  readonly path: string;
  /** A header's value by its name in lower case. */
  readonly headers: (name: string) => string | undefined;
  readonly body: Bytes;
}

export interface RestResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for HEAD, 204 and 304. */
  readonly body: Bytes;
}

export interface RestOptions {
  /** A new id for an item that comes without one; the same one when the same request is asked again. */
  readonly newId: () => string;
  /** Whether no server has acknowledged a version yet; where nobody can tell (a server), none is queued. */
  readonly isQueued?: (version: Version) => Promise<boolean>;
  /** Whose request it is: Idempotency-Keys are remembered for each account. The replica's own by default. */
  readonly account?: string;
}

const EMPTY: Bytes = new Uint8Array(0);

export function jsonResponse(
  status: number,
  value: Json,
  headers: Readonly<Record<string, string>> = {},
): RestResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache', ...headers },
    body: utf8(JSON.stringify(value)),
  };
}

export function emptyResponse(status: number, headers: Readonly<Record<string, string>> = {}): RestResponse {
  return { status, headers: { 'cache-control': 'no-cache', ...headers }, body: EMPTY };
}

/** An error of the closed table (SYNC9) as JSON `{ error, message }`. */
export function errorResponse(
  error: ErrorCode,
  message: string = ERRORS[error].text,
  headers: Readonly<Record<string, string>> = {},
): RestResponse {
  return jsonResponse(ERRORS[error].status, { error, message }, headers);
}

export function withoutBody(response: RestResponse): RestResponse {
  return { ...response, body: EMPTY };
}
