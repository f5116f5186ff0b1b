export type ErrorCode =
  | 'malformed'
  | 'unsupported-protocol'
  | 'unsupported-format'
  | 'unauthenticated'
  | 'account-mismatch'
  | 'forbidden'
  | 'cross-site'
  | 'unknown-host'
  | 'not-found'
  | 'method-not-allowed'
  | 'already-exists'
  | 'precondition-failed'
  | 'too-large'
  | 'unsupported-media-type'
  | 'endpoint-not-allowed'
  | 'invalid-entry'
  | 'rate-limited'
  | 'internal'
  | 'busy'
  | 'storage-full';

export interface ErrorRule {
  /** HTTP status. */
  readonly status: number;
  /**
   * What whoever gets it does: `never` (the same request can only fail again) · `later` (back-off, or Retry-After when
   * given) · `sign-in` (after the app's auth hook) · `smaller` (split it).
   */
  readonly retry: 'never' | 'later' | 'sign-in' | 'smaller';
  /** In a sentence, for people. */
  readonly text: string;
}

/** Every failure that can cross between two parties (SYNC9). The table is closed: nothing else is ever answered. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorRule>> = {
  malformed: { status: 400, retry: 'never', text: 'the request does not have the form this route takes' },
  'unsupported-protocol': { status: 400, retry: 'never', text: 'this protocol version is not spoken here' },
  'unsupported-format': { status: 400, retry: 'never', text: 'an entry of a newer format; this side needs an update' },
  unauthenticated: { status: 401, retry: 'sign-in', text: 'sign in first' },
  'account-mismatch': { status: 403, retry: 'sign-in', text: 'the session belongs to another account' },
  forbidden: { status: 403, retry: 'never', text: 'this account may not do that in this space' },
  'cross-site': { status: 403, retry: 'never', text: 'requests from other sites are not taken' },
  'unknown-host': { status: 421, retry: 'never', text: 'this server does not answer under that name' },
  'not-found': { status: 404, retry: 'never', text: 'there is nothing here' },
  'method-not-allowed': { status: 405, retry: 'never', text: 'this route does not take that method' },
  'already-exists': { status: 409, retry: 'never', text: 'an item with this id exists' },
  'precondition-failed': { status: 412, retry: 'never', text: 'the item changed since it was read' },
  'too-large': { status: 413, retry: 'smaller', text: 'larger than this route takes' },
  'unsupported-media-type': { status: 415, retry: 'never', text: 'this route takes another content type' },
  'endpoint-not-allowed': { status: 422, retry: 'never', text: 'this push service is not on the allow-list' },
  'invalid-entry': { status: 422, retry: 'never', text: 'the write breaks a limit of the log' },
  'rate-limited': { status: 429, retry: 'later', text: 'too many requests' },
  internal: { status: 500, retry: 'later', text: 'the server failed; nothing was lost' },
  busy: { status: 503, retry: 'later', text: 'the server has no room for this now' },
  'storage-full': { status: 507, retry: 'later', text: 'there is no room for this write; everything earlier is kept' },
};

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** A failure from the table, thrown where no value can be returned and answered as it is. */
export class WakelogError extends Error {
  override readonly name = 'WakelogError';
  readonly code: ErrorCode;
  /** How long to wait before trying again, in ms, when the thrower knows. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string = ERRORS[code].text, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
