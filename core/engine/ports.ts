import type { Crypto, WriterKey } from '../log/crypto.ts';
import type { Canary } from './canary.ts';

/** What an environment hands to the engine: nothing here is reached by a global (docs/architecture.md). */
export interface Clock {
  /** Wall clock, ms. Advisory: decides nothing. */
  readonly now: () => number;
  /** Runs `task` once after a delay; returns the way to cancel it. */
  readonly after: (delayMs: number, task: () => void) => () => void;
}

/** A number from 0 up to, not with, 1; for jitter, never for secrets. */
export type Random = () => number;

/** Runs one body at a time under a name, across every context of the device (Web Locks; a queue in Node). */
export type Lock = <T>(name: string, body: () => Promise<T>) => Promise<T>;

/** Where the device keeps the private key of its writer in this space. A key once replaced is never used again. */
export interface WriterKeys {
  readonly current: () => Promise<WriterKey | undefined>;
  /** Makes a new key and makes it the current one, durably. */
  readonly replace: () => Promise<WriterKey>;
}

export interface EnginePorts {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly lock: Lock;
  readonly writerKeys: WriterKeys;
  /** Where there is another store than the log's to keep it in. */
  readonly canary?: Canary;
}

/** One answer of a server, whatever its status. Rejects only when no answer came. */
export interface TransportAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Retry-After in ms, when given. */
  readonly retryAfterMs: number | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The way to a server. */
export interface Transport {
  /** `POST {mount}/sync`. */
  readonly sync: (body: Uint8Array<ArrayBuffer>) => Promise<TransportAnswer>;
  /**
   * `GET {mount}/live`: pieces of the stream until it ends; `stop` ends it. Resolves with the status when the answer was
   * not a stream of ours.
   */
  readonly live: (query: { readonly space: string; readonly account: string; readonly device: string; readonly life: string; readonly cursor: string }, onPiece: (piece: Uint8Array<ArrayBuffer>) => void, stop: AbortSignal) => Promise<TransportAnswer | 'ended'>;
}
