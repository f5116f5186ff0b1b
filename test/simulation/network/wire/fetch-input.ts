import type { SimRequest } from '../http.ts';

/** As much of a Fetch request as is looked at. */
export interface RequestLike {
  readonly url: string;
  readonly method?: string;
  readonly headers?: HeadersLike;
  readonly signal?: AbortSignal | null;
  readonly redirect?: string;
  readonly arrayBuffer?: () => Promise<ArrayBuffer>;
}

export type HeadersLike = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** What `fetch` takes besides; other fields, as `cache`, mean nothing here. */
export interface FetchInit {
  readonly method?: string;
  readonly headers?: HeadersLike | undefined;
  readonly body?: string | ArrayBuffer | ArrayBufferView | null | undefined;
  readonly signal?: AbortSignal | null | undefined;
  readonly redirect?: string | undefined;
}

export interface FetchAsked {
  readonly request: SimRequest;
  readonly origin: string;
  readonly signal: AbortSignal | undefined;
  readonly redirect: 'follow' | 'error' | 'manual';
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** Throws TypeError for what `fetch` rejects at once. A body that has to be read first comes as a promise. */
export function readFetchInput(
  input: string | URL | RequestLike,
  init: FetchInit,
  base: string | undefined,
): FetchAsked | Promise<FetchAsked> {
  const from: RequestLike = typeof input === 'string' || input instanceof URL ? { url: String(input) } : input;
  const url = new URL(from.url, base);
  const method = (init.method ?? from.method ?? 'GET').toUpperCase();
  const headers = { ...toRecord(from.headers), ...toRecord(init.headers) };
  const redirect = init.redirect ?? from.redirect ?? 'follow';
  const hasBody = init.body !== undefined && init.body !== null;
  if (hasBody && (method === 'GET' || method === 'HEAD')) throw new TypeError('a GET request has no body');
  if (typeof init.body === 'string') headers['content-type'] ??= 'text/plain;charset=UTF-8';
  const asked = (body: Uint8Array): FetchAsked => ({
    request: { method, url: url.href, headers, body },
    origin: url.origin,
    signal: init.signal ?? from.signal ?? undefined,
    redirect: redirect === 'error' || redirect === 'manual' ? redirect : 'follow',
  });
  if (hasBody) return asked(toBytes(init.body));
  if (from.arrayBuffer === undefined || method === 'GET' || method === 'HEAD') return asked(NOTHING);
  return from.arrayBuffer().then((buffer) => asked(new Uint8Array(buffer)));
}

function toRecord(headers: HeadersLike | undefined): Record<string, string> {
  const record: Record<string, string> = {};
  if (headers === undefined) return record;
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of entries) record[name.toLowerCase()] = value;
  return record;
}

/** No copy, unlike the real thing: a program that changes what it sent is found out rather than covered. */
function toBytes(body: NonNullable<FetchInit['body']>): Uint8Array {
  if (typeof body === 'string') return encoder.encode(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return new Uint8Array(body);
}
