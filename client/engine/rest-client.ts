import type { Json } from '../../core/log/body.ts';
import { PageError } from '../page-error.ts';
import type { ErrorCode } from '../../core/protocol/errors.ts';
import type { PageStatus } from '../../core/protocol/page-messages.ts';
import type { AuthHook } from './page-engine.ts';

/** Pauses between attempts to reach the server, ms. After the last one the caller is told. */
const RETRY_AFTER_MS: readonly number[] = [500, 2000];

export interface RestAnswer {
  /** Undefined when the answer has no body. */
  readonly value: Json | undefined;
  /** Ids of the live versions, from the ETag. */
  readonly ids: readonly string[];
}

export interface RestClient {
  /** Rejects with a PageError. Repeats what did not arrive, under one Idempotency-Key, so that nothing happens twice. */
  readonly send: (method: string, path: string, headers?: Record<string, string>, body?: Json) => Promise<RestAnswer>;
  readonly signIn: () => Promise<void>;
}

export function createRestClient(
  auth: AuthHook | undefined,
  onStatus: (change: Pick<PageStatus, 'connection'> & Partial<PageStatus>) => void,
): RestClient {
  let signedIn: Promise<Readonly<Record<string, string>>> | undefined;
  const signIn = (): Promise<Readonly<Record<string, string>>> =>
    (signedIn = auth === undefined ? Promise.resolve({}) : auth().catch(() => ({})));

  async function once(
    method: string,
    path: string,
    init: { readonly headers: Record<string, string>; readonly body?: string },
  ): Promise<Response> {
    const request = async (): Promise<Response> => {
      const own = await (signedIn ?? signIn());
      return fetch(path, { ...init, method, headers: { ...own, ...init.headers } });
    };
    const answer = await request();
    if (answer.status !== 401 || auth === undefined) return answer;
    await signIn();
    return request();
  }

  return {
    async signIn() {
      await signIn();
    },
    async send(method, path, headers = {}, body) {
      const init = {
        headers: {
          ...headers,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(method === 'GET' ? {} : { 'idempotency-key': randomName() }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
      for (let attempt = 0; ; attempt++) {
        const answer = await once(method, path, init).catch(() => undefined);
        if (answer !== undefined && answer.status !== 503 && answer.status !== 429) {
          onStatus({
            connection: answer.status === 401 ? 'needs-auth' : 'live',
            ...(answer.ok ? { lastSynced: Date.parse(answer.headers.get('date') ?? '') || null } : {}),
          });
          return read(answer);
        }
        onStatus({ connection: answer === undefined ? 'offline' : 'waiting' });
        const pauseMs = RETRY_AFTER_MS[attempt];
        if (pauseMs === undefined) throw new PageError('busy', 'the server cannot be reached');
        const askedForMs = Number(answer?.headers.get('retry-after') ?? 0) * 1000;
        await new Promise((resolve) => setTimeout(resolve, Math.max(pauseMs, askedForMs || 0)));
      }
    },
  };
}

async function read(answer: Response): Promise<RestAnswer> {
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  const value = isJson ? ((await answer.json()) as Json) : undefined;
  // A page of a captive portal, say: nobody took the request.
  if (answer.ok && (isJson || answer.status === 204)) return { value, ids: tagToIds(answer.headers.get('etag')) };
  const { error, message } = (value ?? {}) as { error?: unknown; message?: string };
  if (typeof error === 'string') throw new PageError(error as ErrorCode, message);
  throw new PageError(answer.status === 404 ? 'not-found' : answer.status === 401 ? 'unauthenticated' : 'internal');
}

function tagToIds(tag: string | null): readonly string[] {
  const inner = /"(.+)"/.exec(tag ?? '')?.[1];
  return inner === undefined ? [] : inner.split(',');
}

/** `crypto.randomUUID` is missing exactly where this engine is needed most: in insecure contexts. */
function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
