import type { Bytes } from '../log/bytes.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import type { ErrorCode } from './errors.ts';

/** A place in a server's arrival order of one space, recognisable after that server was wiped or restored (SYNC3). */
export interface Cursor {
  /** The store's random id, base64url. */
  readonly epoch: string;
  readonly position: number;
  /** First 8 bytes of the id of the entry at that position; zeros at position 0. */
  readonly check: Bytes;
}

/** One space's part of a sync request: what the device holds, and runs that the server lacks (SYNC1). */
export interface SpaceRequest {
  readonly space: string;
  /** The fast path: everything after it is wanted. Undefined: `vector` says what is held. */
  readonly cursor: Cursor | undefined;
  readonly vector: VersionVector | undefined;
  readonly runs: readonly Bytes[];
}

export interface SyncRequest {
  /** Who the device writes as; the server refuses a session of another account. */
  readonly account: string;
  /** The device's name, made once by it; tells its push subscription and connection from others'. */
  readonly device: string;
  /**
   * Random, of one life of one program of the device: what its requests carry is not sent back to its own live connection. A
   * copied device has the name of the first, and lacks what that one sends. Undefined: everything is sent back.
   */
  readonly life?: string;
  readonly spaces: readonly SpaceRequest[];
}

/** Why the server did not take a run (SYNC6). Its log's other runs of the request were not taken either. */
export interface RefusedRun {
  readonly log: LogName;
  readonly first: number;
  readonly code: 'malformed' | 'bad-signature' | 'too-large' | 'unsupported-format' | 'unenrolled' | 'forbidden' | 'fork' | 'gap' | 'storage-full';
  /** For `gap`: the sequence the server expects. */
  readonly expected?: number;
}

export interface SpaceResponse {
  readonly space: string;
  /** Set when the whole space was refused; then nothing else holds. */
  readonly error?: ErrorCode;
  readonly cursor: Cursor;
  /** The server's own logs in this space: only their statements count. */
  readonly authorities: readonly LogName[];
  /** Log → last sequence durable at this server, for the logs of the request's runs; all its logs when `vector` is asked for. */
  readonly acknowledged: VersionVector;
  /** The request's cursor was not recognised: `acknowledged` names all logs, and the device should answer with its vector. */
  readonly compareVectors: boolean;
  readonly refused: readonly RefusedRun[];
  readonly runs: readonly Bytes[];
  /** Whether nothing is left after `cursor`. */
  readonly level: boolean;
}

export interface SyncResponse {
  /** The server's clock, ms. */
  readonly time: number;
  readonly spaces: readonly SpaceResponse[];
}

/** A refusal of a whole request, as the body of an error status. */
export interface ErrorReply {
  readonly error: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}
