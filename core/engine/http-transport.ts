import type { Awaitable, Bytes } from '../log/bytes.ts';
import { concat } from '../log/bytes.ts';
import { MAX_FRAME_BYTES, SYNC_CONTENT_TYPE } from '../protocol/limits.ts';
import type { Clock, Transport, TransportAnswer } from './ports.ts';

/** As much of a Fetch response as is used; what pages, workers and Node all have. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly body: { readonly getReader: () => PieceReader } | null;
}

interface PieceReader {
  readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  readonly cancel: () => Promise<void>;
}

export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: Bytes; signal: AbortSignal; redirect: 'error'; cache: 'no-store'; credentials: 'same-origin' },
) => Promise<FetchResponse>;

export interface HttpTransportOptions {
  readonly fetch: Fetch;
  /** Where the server's routes are mounted, without a slash at the end: `https://example.org/wakelog`. */
  readonly mountUrl: string;
  /** Sent with every request; asked each time. */
  readonly headers: () => Awaitable<Readonly<Record<string, string>>>;
  readonly clock: Clock;
  /** No answer begins, or no piece of one comes, for so long: given up (a network that accepts and never answers). */
  readonly silenceMs?: number;
}

const DEFAULT_SILENCE_MS = 30_000;
/** A live stream says at least every 20 s that it is alive. */
const LIVE_SILENCE_MS = 50_000;

export function createHttpTransport({ fetch, mountUrl, headers, clock, silenceMs = DEFAULT_SILENCE_MS }: HttpTransportOptions): Transport {
  async function sync(body: Bytes): Promise<TransportAnswer> {
    const watch = createWatch(clock, silenceMs);
    try {
      const init = { ...fetchInit('POST', watch.signal), headers: { ...(await headers()), 'content-type': SYNC_CONTENT_TYPE, accept: SYNC_CONTENT_TYPE } };
      const response = await fetch(`${mountUrl}/sync`, { ...init, body });
      watch.alive();
      return await readAnswer(response, watch.alive);
    } finally {
      watch.end();
    }
  }

  const live: Transport['live'] = async (query, onPiece, stop) => {
    const watch = createWatch(clock, LIVE_SILENCE_MS);
    const onStop = (): void => watch.abort();
    stop.addEventListener('abort', onStop);
    try {
      stop.throwIfAborted();
      const init = { ...fetchInit('GET', watch.signal), headers: { ...(await headers()), accept: SYNC_CONTENT_TYPE } };
      const response = await fetch(`${mountUrl}/live?${toQuery(query)}`, init);
      watch.alive();
      if (response.status !== 200 || contentTypeOf(response) !== SYNC_CONTENT_TYPE) return await readAnswer(response, watch.alive);
      await readPieces(response, (piece) => {
        watch.alive();
        onPiece(piece);
      });
      return 'ended';
    } finally {
      stop.removeEventListener('abort', onStop);
      watch.end();
    }
  };

  return { sync, live };
}

function fetchInit(method: string, signal: AbortSignal): Parameters<Fetch>[1] {
  return { method, headers: {}, signal, redirect: 'error', cache: 'no-store', credentials: 'same-origin' };
}

function toQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

interface Watch {
  readonly signal: AbortSignal;
  /** Something was heard: wait anew. */
  readonly alive: () => void;
  readonly abort: () => void;
  readonly end: () => void;
}

/** Aborts when nothing is heard for so long. */
function createWatch(clock: Clock, silenceMs: number): Watch {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('no sign of the server'));
  let cancel = clock.after(silenceMs, abort);
  return {
    signal: controller.signal,
    alive() {
      cancel();
      cancel = clock.after(silenceMs, abort);
    },
    abort,
    end: () => cancel(),
  };
}

/** An answer's body up to the largest frame: whatever is longer is not ours. */
async function readAnswer(response: FetchResponse, alive: () => void): Promise<TransportAnswer> {
  const pieces: Bytes[] = [];
  let length = 0;
  await readPieces(response, (piece, cancel) => {
    alive();
    length += piece.length;
    if (length > MAX_FRAME_BYTES) cancel();
    else pieces.push(piece);
  });
  const body = length > MAX_FRAME_BYTES ? new Uint8Array(0) : concat(...pieces);
  return { status: response.status, contentType: contentTypeOf(response), retryAfterMs: retryAfterMs(response), body };
}

async function readPieces(response: FetchResponse, onPiece: (piece: Bytes, cancel: () => void) => void): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let cancelled = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || cancelled) return;
    if (value !== undefined) {
      onPiece(value as Bytes, () => {
        cancelled = true;
      });
    }
    if (cancelled) return reader.cancel();
  }
}

function contentTypeOf(response: FetchResponse): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Retry-After in ms: seconds only, since a date needs a clock that both sides agree on. */
function retryAfterMs(response: FetchResponse): number | undefined {
  const text = response.headers.get('retry-after');
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
