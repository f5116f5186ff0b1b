import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Router } from 'express';
import { pino } from 'pino';
import { createServingLogStore } from '../core/log/create-serving-log-store.ts';
import { WakelogError } from '../core/protocol/errors.ts';
import { createNodeCrypto } from './crypto/node-crypto.ts';
import { nodeWriterSeeds } from './crypto/node-writer-key.ts';
import { createNodePorts } from './device/node-ports.ts';
import type { Log } from './log.ts';
import type { Settings, WakelogOptions } from './options.ts';
import { resolveOptions } from './options.ts';
import { createEndpointGuard } from './push/endpoint-guard.ts';
import { createPostPush } from './push/post-push.ts';
import type { Pusher } from './push/pusher.ts';
import { createPusher } from './push/pusher.ts';
import { openSubscriptionStore } from './push/subscription-store.ts';
import type { SubscriptionStore } from './push/subscription-store.ts';
import type { VapidKeys } from './push/vapid.ts';
import { loadVapidKeys } from './push/vapid.ts';
import { createBodyReader } from './routes/bodies.ts';
import { createGuards, isFromThisMachine, isLoopbackName } from './routes/guards.ts';
import type { LiveConnections } from './sync/live-connections.ts';
import { createLiveConnections } from './sync/live-connections.ts';
import { createRateLimit } from './routes/rate-limit.ts';
import { createRouter } from './routes/router.ts';
import { nodeFiles } from './spaces/atomic-file.ts';
import { loadBaseEpoch } from './spaces/base-epoch.ts';
import { openSpace } from './spaces/open-space.ts';
import type { Spaces } from './spaces/spaces.ts';
import { createSpaces } from './spaces/spaces.ts';
import type { SqliteStore } from './storage/sqlite-store.ts';
import { openSqliteStore } from './storage/sqlite-store.ts';
import type { Session } from './sync/session.ts';

export type { Log } from './log.ts';
export type { Authorize, WakelogOptions } from './options.ts';
export type { MayWrite, Session } from './sync/session.ts';
export type { Objection, Validate, ValidatedEntry } from './sync/validator.ts';

/** An express handler: `app.use(await wakelog({ … }))`, before the app's own body parsers. */
export type WakelogHandler = Router & {
  /** Ends live connections, waits for requests that are being answered, closes the database. */
  readonly close: () => Promise<void>;
};

/**
 * Opens the data folder and returns the server's routes. Nothing is acknowledged before it is durable. Throws an explained
 * error for options or a data folder that cannot be used.
 */
export async function wakelog(options: WakelogOptions): Promise<WakelogHandler> {
  const settings = resolveOptions(options, isLoopbackName);
  const log: Log = options.log ?? pino({ name: 'wakelog' });
  const { dataDir } = settings;
  // Makes the folder too, durably, when it makes the keys.
  const keys = await loadVapidKeys(join(dataDir, 'vapid.json'));
  const { maxDatabaseBytes } = settings;
  const database = openSqliteStore(
    join(dataDir, 'wakelog.sqlite'),
    maxDatabaseBytes === undefined ? {} : { maxBytes: maxDatabaseBytes },
  );
  try {
    return await serve(settings, log, database, keys);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function serve(settings: Settings, log: Log, database: SqliteStore, keys: VapidKeys): Promise<WakelogHandler> {
  const crypto = createNodeCrypto();
  const subscriptions = await openSubscriptionStore(database);
  const baseEpoch = await loadBaseEpoch(database.transaction, crypto);
  const spaces = createSpaces((name) => {
    const { rows, views } = database.space(name);
    const store = createServingLogStore(rows, crypto);
    return openSpace({
      name,
      dataDir: settings.dataDir,
      files: nodeFiles,
      seeds: nodeWriterSeeds,
      store,
      viewStore: views,
      baseEpoch,
      createPorts: (writerKeys) => createNodePorts(writerKeys, crypto),
      log,
    });
  }, log);
  const live = createLiveConnections(settings.maxLiveConnections);
  const pusher = wirePusher(settings, log, subscriptions, live, keys);
  let stopping: Promise<void> | undefined;
  const now = (): number => Date.now();
  const { mayWrite, validate } = settings;
  const sessionOf = createSessions(settings, log);
  const router = createRouter(
    {
      log,
      crypto,
      spaces,
      live,
      pusher,
      subscriptions,
      sessionOf,
      sync: {
        spaces,
        crypto,
        now,
        mayWrite,
        validate,
        onCarried: live.noteCarried,
        onNew: (by) => pusher.notify(by.space, by),
      },
      bodies: createBodyReader(),
      guards: createGuards(settings.hosts),
      checkRate: createRateLimit(settings.maxRequestsPerSecond, now),
      pushKey: keys.publicKey,
    },
    { ...settings, isStopping: () => stopping !== undefined },
  );
  const close = (): Promise<void> => (stopping ??= stop({ live, pusher, spaces, database }));
  return Object.assign(router, { close });
}

function wirePusher(
  { vapidSubject, pushOrigins, pushAgent, rewritePushEndpoint }: Settings,
  log: Log,
  subscriptions: SubscriptionStore,
  live: LiveConnections,
  keys: VapidKeys,
): Pusher {
  const guard = createEndpointGuard(pushOrigins);
  const post = createPostPush({ keys, subject: vapidSubject, guard, agent: pushAgent, rewrite: rewritePushEndpoint });
  const { isAllowed: isAllowedEndpoint } = guard;
  return createPusher({ subscriptions, post, isAllowedEndpoint, isLive: live.isLive, random: Math.random, log });
}

/** Without `authorize`, whoever sits at this machine may do everything; nobody else anything (CAP5). */
function createSessions({ authorize }: Settings, log: Log): (request: IncomingMessage) => Promise<Session> {
  if (authorize === undefined) {
    log.warn({}, 'open: there is no `authorize`, so every program on this machine may read and write every space');
    const everybody: Session = { account: undefined, read: () => true, write: () => true };
    return async (request) => {
      if (isFromThisMachine(request)) return everybody;
      throw new WakelogError('forbidden', 'without `authorize` this server answers its own machine only');
    };
  }
  return async (request) => {
    const session = await authorize(request);
    if (session === undefined) throw new WakelogError('unauthenticated');
    return session;
  };
}

interface Parts {
  readonly live: LiveConnections;
  readonly pusher: Pusher;
  readonly spaces: Spaces;
  readonly database: SqliteStore;
}

async function stop({ live, pusher, spaces, database }: Parts): Promise<void> {
  live.endAll();
  await pusher.close();
  await spaces.close();
  await database.close();
}
