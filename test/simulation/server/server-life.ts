import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createNodePorts } from '../../../server/device/node-ports.ts';
import type { Log } from '../../../server/log.ts';
import type { PushAnswer } from '../../../server/push/post-push.ts';
import type { Pusher } from '../../../server/push/pusher.ts';
import { createPusher } from '../../../server/push/pusher.ts';
import { openSubscriptionStore } from '../../../server/push/subscription-store.ts';
import type { Subscription } from '../../../server/push/subscription.ts';
import { loadBaseEpoch } from '../../../server/spaces/base-epoch.ts';
import { openSpace } from '../../../server/spaces/open-space.ts';
import { createSpaces } from '../../../server/spaces/spaces.ts';
import type { SyncContext } from '../../../server/sync/answer-sync.ts';
import type { LiveConnections } from '../../../server/sync/live-connections.ts';
import { createLiveConnections } from '../../../server/sync/live-connections.ts';
import type { MayWrite, Session } from '../../../server/sync/session.ts';
import type { Validate } from '../../../server/sync/validator.ts';
import type { SimHandler, SimRequest } from '../network/http.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { DiskAccess } from './server-disk.ts';
import { createAnswers } from './server-answers.ts';

/** What an app that runs a server decides. */
export interface ServerSettings {
  /** Default `/wakelog`. */
  readonly mount?: string;
  /** Whose request it is and what it may do, by the header `x-account`. Default: its own account's, everything. */
  readonly authorize?: (account: string) => Session | undefined;
  readonly mayWrite?: MayWrite;
  readonly validate?: Validate;
  readonly maxLiveConnections?: number;
  readonly pushKey?: string;
  readonly isAllowedEndpoint?: (endpoint: string) => boolean;
  /** Default: by the program's own `fetch`. */
  readonly postPush?: (to: Subscription, payload: string, topic: string) => Promise<PushAnswer>;
}

export interface LifeParts {
  readonly settings: ServerSettings;
  readonly disk: DiskAccess;
  readonly crypto: SimCrypto;
  readonly log: Log;
  readonly onInternalError: (thrown: unknown, request: SimRequest) => void;
}

/** One life of the server's program, ready to answer. */
export interface ServerLife {
  readonly answer: SimHandler;
  readonly openSpaces: () => number;
  readonly liveConnections: () => number;
  /** As after a signal: ends streams, lets requests finish, closes the stores. */
  readonly stop: () => Promise<void>;
}

/** A P-256 point's form, and no more: the simulated push service looks at nothing. */
const PUSH_KEY = `B${'A'.repeat(86)}`;

/** Wires the server's own parts as server/index.ts does: the simulator's other composition root. */
export async function startServerLife({
  settings,
  disk,
  crypto,
  log,
  onInternalError,
}: LifeParts): Promise<ServerLife> {
  const { crypto: hashing, newSeed, seedToWriterKey } = crypto;
  const subscriptions = await openSubscriptionStore(disk.tables);
  const baseEpoch = await loadBaseEpoch(disk.tables.transaction, hashing);
  const spaces = createSpaces((name) => {
    const { rows, views } = disk.database.space(name);
    return openSpace({
      name,
      dataDir: '/data',
      files: disk.files,
      seeds: { generate: newSeed, toKey: seedToWriterKey },
      store: createServingLogStore(rows, hashing),
      viewStore: views,
      baseEpoch,
      createPorts: (writerKeys) => createNodePorts(writerKeys, hashing),
      log,
    });
  }, log);
  const live = createLiveConnections(settings.maxLiveConnections ?? 1_000);
  const pusher = createPusher({
    subscriptions,
    post: settings.postPush ?? postByFetch,
    isAllowedEndpoint: settings.isAllowedEndpoint ?? (() => true),
    isLive: live.isLive,
    random: Math.random,
    log,
  });
  let stopping = false;
  const answer = createAnswers({
    mount: settings.mount ?? '/wakelog',
    sync: createSyncContext(settings, { spaces, crypto: hashing }, live, pusher),
    live,
    pusher,
    subscriptions,
    pushKey: settings.pushKey ?? PUSH_KEY,
    sessionOf: (account) => (account === undefined ? undefined : (settings.authorize ?? mayEverything)(account)),
    isStopping: () => stopping,
    onInternalError,
  });
  return {
    answer,
    openSpaces: spaces.openCount,
    liveConnections: live.count,
    async stop() {
      stopping = true;
      live.endAll();
      await pusher.close();
      await spaces.close();
    },
  };
}

function createSyncContext(
  { mayWrite = () => true, validate }: ServerSettings,
  parts: Pick<SyncContext, 'spaces' | 'crypto'>,
  live: LiveConnections,
  pusher: Pusher,
): SyncContext {
  return {
    ...parts,
    now: () => Date.now(),
    mayWrite,
    validate,
    onCarried: live.noteCarried,
    onNew: (by) => pusher.notify(by.space, by),
  };
}

function mayEverything(account: string): Session {
  return { account, read: () => true, write: () => true };
}

/** As server/push/post-push.ts sends a hint, without encryption: a push service must not look into it anyway. */
async function postByFetch({ endpoint }: Subscription, payload: string, topic: string): Promise<PushAnswer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { topic, ttl: '2419200', urgency: 'high', 'content-type': 'application/octet-stream' },
    body: payload,
  });
  const seconds = response.headers.get('retry-after');
  return { status: response.status, retryAfterMs: seconds === null ? undefined : Number(seconds) * 1_000 };
}
