import type { Piece } from './pipe.ts';

/** What a body is read from. */
export interface BodySource {
  readonly read: () => Promise<Piece>;
  readonly cancel: () => void;
}

/** As much of Fetch's Response as programs here use, without Node's own streams: those cost more than what is simulated. */
export interface SimFetchResponse {
  readonly status: number;
  readonly ok: boolean;
  readonly type: 'basic' | 'opaqueredirect';
  readonly url: string;
  readonly redirected: boolean;
  readonly statusText: string;
  readonly headers: SimHeaders;
  readonly body: SimBody | null;
  readonly bodyUsed: boolean;
  readonly arrayBuffer: () => Promise<ArrayBuffer>;
  readonly bytes: () => Promise<Uint8Array>;
  readonly text: () => Promise<string>;
  readonly json: () => Promise<unknown>;
}

export interface SimHeaders extends Iterable<[string, string]> {
  readonly get: (name: string) => string | null;
  readonly has: (name: string) => boolean;
  readonly forEach: (callback: (value: string, name: string) => void) => void;
  readonly entries: () => IterableIterator<[string, string]>;
}

export interface SimBody {
  readonly getReader: () => SimReader;
  readonly cancel: () => Promise<void>;
  readonly locked: boolean;
}

export interface SimReader {
  readonly read: () => Promise<Piece>;
  readonly cancel: () => Promise<void>;
  readonly releaseLock: () => void;
}

export interface SimResponseParts {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
  readonly redirected: boolean;
  readonly source: BodySource | undefined;
}

const decoder = new TextDecoder();

export function createSimResponse({ status, headers, url, redirected, source }: SimResponseParts): SimFetchResponse {
  let used = false;
  const take = (): BodySource | undefined => {
    if (used) throw new TypeError('the body was used before');
    used = true;
    return source;
  };
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => readAll(take());
  const text = async (): Promise<string> => decoder.decode(await bytes());
  return {
    status,
    ok: status >= 200 && status < 300,
    type: status === 0 ? 'opaqueredirect' : 'basic',
    url,
    redirected,
    statusText: '',
    headers: createSimHeaders(headers),
    body: source === undefined ? null : createBody(take, () => used),
    get bodyUsed() {
      return used;
    },
    bytes,
    text,
    arrayBuffer: async () => (await bytes()).buffer,
    json: async () => JSON.parse(await text()) as unknown,
  };
}

export function createSimHeaders(headers: Readonly<Record<string, string>>): SimHeaders {
  const entries = (): IterableIterator<[string, string]> => Object.entries(headers).values();
  return {
    get: (name) => headers[name.toLowerCase()] ?? null,
    has: (name) => headers[name.toLowerCase()] !== undefined,
    forEach(callback) {
      for (const [name, value] of entries()) callback(value, name);
    },
    entries,
    [Symbol.iterator]: entries,
  };
}

function createBody(take: () => BodySource | undefined, isUsed: () => boolean): SimBody {
  return {
    get locked() {
      return isUsed();
    },
    getReader() {
      const source = take();
      let isOver = false;
      return {
        read: async () => (isOver || source === undefined ? { done: true, value: undefined } : source.read()),
        async cancel() {
          isOver = true;
          source?.cancel();
        },
        releaseLock: () => undefined,
      };
    },
    cancel: async () => take()?.cancel(),
  };
}

async function readAll(source: BodySource | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await source?.read()) ?? { done: true };
    if (done || value === undefined) break;
    pieces.push(value);
    length += value.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
