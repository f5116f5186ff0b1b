import type { PageScope, PageStatus } from '../core/protocol/page-messages.ts';
import type { Connection } from './connection.ts';
import { createConnection } from './connection.ts';
import type { AuthHook, PageEngine } from './engine/page-engine.ts';
import type { WorkerEngine } from './engine/worker-engine.ts';
import { createWorkerEngine } from './engine/worker-engine.ts';
import { createWritable } from './readable.ts';
import { askToKeepStorage } from './worker/persistence.ts';
import type { PushOptions } from './worker/push.ts';
import { enablePush, recheckPush } from './worker/push.ts';
import { registerWorker } from './worker/registration.ts';

export interface ConnectOptions {
  /** Whose entries these are. Another account has its own database, and neither sees the other's. */
  readonly account: string;
  /** Which logs sync together. */
  readonly space: string;
  /** `live` (default): what others write is shown at once. `hold`: it waits until `accept()`, under the ribbon. */
  readonly updates?: 'hold' | 'live';
  /** Headers for requests to the server; asked again when the server wants a sign-in. */
  readonly auth?: AuthHook;
  /** Path of the server's routes, `/wakelog` by default. */
  readonly mount?: string;
  /** The pages that the worker controls, a path prefix; `/` by default. */
  readonly reach?: string;
  /** Path prefixes that are REST collections, such as `/api/tasks`: the worker answers plain `fetch` to them. */
  readonly capture?: readonly string[];
  /** Whether the site's own documents and static files are kept for offline use. */
  readonly shell?: boolean;
  /** Of the push notification; `{count}` stands for the number of new entries. */
  readonly notification?: { readonly title?: string; readonly body?: string };
}

/**
 * Registers the worker and connects to it; undefined where there can be none (no service workers, an insecure context, a
 * worker that does not answer). Needs no network once the worker is installed.
 */
export async function connectWorker(options: ConnectOptions): Promise<Connection | undefined> {
  const {
    account,
    space,
    updates = 'live',
    auth,
    mount = '/wakelog',
    reach = '/',
    capture = [],
    shell = false,
  } = options;
  const scope: PageScope = { account, space };
  const newVersion = createWritable(false);
  const notification = { title: location.hostname, body: 'New updates: {count}', ...options.notification };

  const registering = registerWorker({
    mount,
    reach,
    settings: { space, capture, shell, notification },
    onNewVersion: () => newVersion.set(true),
  });
  let registered: ServiceWorkerRegistration | undefined;
  const started = registering.then((registration) => (registered = registration));
  const present = ownController(mount);
  // A worker that controls the page already is greeted at once: the page's own first requests wait for that.
  if (present === null && (await started) === undefined) return undefined;
  const worker = (): ServiceWorker | null => registered?.active ?? present;
  const isChanging = (): boolean => !!registered?.waiting;
  const engine = await createWorkerEngine({ scope, updates, mount, auth, worker, isChanging }).catch(() => undefined);
  const registration = await registering;
  if (engine === undefined || registration === undefined) {
    engine?.close();
    return undefined;
  }
  watchWorker(engine);
  const push: PushOptions = { ask: engine.asker.ask, scope, registration };
  void recheckPush(push, engine.status.getSnapshot().push === 'on').catch(() => {});
  return createConnection({
    engine,
    newVersion,
    updates,
    capture,
    enableNotifications: () => enableAndTell(push, engine),
  });
}

function ownController(mount: string): ServiceWorker | null {
  const controller = navigator.serviceWorker?.controller ?? null;
  return controller !== null && new URL(controller.scriptURL).pathname.startsWith(`${mount}/sw`) ? controller : null;
}

function watchWorker(engine: WorkerEngine): void {
  // A request that the old worker had not answered goes to the new one, not into its time limit.
  navigator.serviceWorker.addEventListener('controllerchange', () => engine.asker.again());
  const stop = engine.follow((change) => {
    if (change.keys === 'all' || change.origin !== 'own') return;
    stop();
    void askToKeepStorage();
  });
}

async function enableAndTell(push: PushOptions, engine: PageEngine): Promise<PageStatus['push']> {
  const state = await enablePush(push);
  await engine.sync();
  return state;
}
