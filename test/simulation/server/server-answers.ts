import type { Bytes } from '../../../core/log/bytes.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { WakelogError } from '../../../core/protocol/errors.ts';
import { MAX_FRAME_BYTES, SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { Pusher } from '../../../server/push/pusher.ts';
import { MAX_SUBSCRIPTION_BODY_BYTES, subscribe, unsubscribe } from '../../../server/push/push-requests.ts';
import type { SubscriptionStore } from '../../../server/push/subscription-store.ts';
import { toErrorAnswer } from '../../../server/routes/error-answer.ts';
import { mediaType } from '../../../server/routes/media-type.ts';
import { answerSyncBytes } from '../../../server/sync/answer-sync-bytes.ts';
import type { SyncContext } from '../../../server/sync/answer-sync.ts';
import type { LiveConnections } from '../../../server/sync/live-connections.ts';
import { checkIsReader, readLiveQuery } from '../../../server/sync/live-query.ts';
import type { LiveSession } from '../../../server/sync/live-session.ts';
import { LIVE_TIMINGS, openLiveSession } from '../../../server/sync/live-session.ts';
import type { Session } from '../../../server/sync/session.ts';
import type { SimHandler, SimRequest, SimResponse, SimSink } from '../network/http.ts';

/** What answers requests in one life of a server. */
export interface AnswerParts {
  /** Path of sync, live and push. */
  readonly mount: string;
  readonly sync: SyncContext;
  readonly live: LiveConnections;
  readonly pusher: Pusher;
  readonly subscriptions: SubscriptionStore;
  readonly pushKey: string;
  /** Whose request it is; undefined: nobody is signed in. */
  readonly sessionOf: (account: string | undefined) => Session | undefined;
  readonly isStopping: () => boolean;
  /** Something that is answered as `internal` was thrown. */
  readonly onInternalError: (thrown: unknown, request: SimRequest) => void;
}

const OK = utf8(JSON.stringify({ ok: true }));
const CBOR_HEADERS = { 'content-type': SYNC_CONTENT_TYPE, 'cache-control': 'no-store' };
const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** The server's routes without express: the same parts, in the order in which the routes put them together. */
export function createAnswers(parts: AnswerParts): SimHandler {
  const { mount, sync, live, pusher, subscriptions } = parts;

  function sessionOf(request: SimRequest): Session {
    const session = parts.sessionOf(request.headers['x-account']);
    if (session === undefined) throw new WakelogError('unauthenticated');
    return session;
  }

  async function answerSync(request: SimRequest): Promise<SimResponse> {
    const { session, body } = readPost(request, SYNC_CONTENT_TYPE, MAX_FRAME_BYTES);
    return { status: 200, headers: CBOR_HEADERS, body: await answerSyncBytes(body, session, sync) };
  }

  function readPost(request: SimRequest, type: string, maxBytes: number): { session: Session; body: Bytes } {
    if (mediaType(request.headers['content-type']) !== type) throw new WakelogError('unsupported-media-type');
    const session = sessionOf(request);
    if (request.body.length > maxBytes)
      throw new WakelogError('too-large', `a body here has at most ${maxBytes} bytes`);
    return { session, body: request.body as Bytes };
  }

  async function answerLive(request: SimRequest, query: URLSearchParams): Promise<SimResponse> {
    const { party, cursor } = readLiveQuery(query);
    const checkMayRead = async (): Promise<void> => checkIsReader(sessionOf(request), party);
    await checkMayRead();
    return new Promise((resolve, reject) => {
      sync.spaces
        .use(party.space, async (space) => {
          const { now } = sync;
          const session = openLiveSession({ space, party, cursor, live, now, checkMayRead, timings: LIVE_TIMINGS });
          // The space stays open until the stream has ended.
          await new Promise<void>((ended) => {
            const body = (sink: SimSink, stopped: Promise<void>): Promise<void> =>
              stream(session, sink, stopped).finally(ended);
            resolve({ status: 200, headers: CBOR_HEADERS, body });
          });
        })
        .catch(reject);
    });
  }

  async function answerSubscription(request: SimRequest, wanted: 'subscribe' | 'unsubscribe'): Promise<SimResponse> {
    const { session, body } = readPost(request, 'application/json', MAX_SUBSCRIPTION_BODY_BYTES);
    if (wanted === 'subscribe') await subscribe(body, session, subscriptions, pusher.isAllowedEndpoint);
    else await unsubscribe(body, session, subscriptions);
    return { status: 200, headers: JSON_HEADERS, body: OK };
  }

  async function answer(request: SimRequest, { pathname, searchParams }: URL): Promise<SimResponse> {
    if (parts.isStopping()) throw new WakelogError('busy', 'the server is stopping');
    switch (`${request.method} ${pathname}`) {
      case `POST ${mount}/sync`:
        return answerSync(request);
      case `GET ${mount}/live`:
        return answerLive(request, searchParams);
      case `GET ${mount}/push/key`:
        return { status: 200, headers: JSON_HEADERS, body: utf8(JSON.stringify({ key: parts.pushKey })) };
      case `POST ${mount}/push/subscribe`:
        return answerSubscription(request, 'subscribe');
      case `POST ${mount}/push/unsubscribe`:
        return answerSubscription(request, 'unsubscribe');
      default:
        throw new WakelogError('not-found');
    }
  }

  return async (request) => {
    const url = new URL(request.url);
    try {
      return await answer(request, url);
    } catch (thrown) {
      const isCbor = url.pathname === `${mount}/sync` || url.pathname === `${mount}/live`;
      const { error, status, headers, body } = toErrorAnswer(isCbor ? 'cbor' : 'json', thrown);
      if (error.code === 'internal') parts.onInternalError(thrown, request);
      return { status, headers, body };
    }
  };
}

/** Serves one reader; rejects when it had to be cut off, so that its connection breaks. */
async function stream(session: LiveSession, sink: SimSink, stopped: Promise<void>): Promise<void> {
  let isCut = false;
  let cut = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    cut = () => {
      isCut = true;
      resolve();
    };
    void stopped.then(resolve);
  });
  void stopped.then(session.end);
  await session.serve({
    write: sink.write,
    drained: () => Promise.race([sink.drained(), gone]),
    isStalled: sink.isStalled,
    cut,
  });
  if (isCut) throw new Error('the reader was cut off');
}
