import type { PageScope } from '../../core/protocol/page-messages.ts';
import type { Wake } from '../../core/engine/device.ts';
import type { Json } from '../../core/log/body.ts';
import { fromBase64Url } from '../../core/log/bytes.ts';
import type { Devices } from '../devices.ts';
import type { WorkerMemory } from '../memory.ts';
import { itemToPage, unsentOf } from '../../core/engine/page-item.ts';
import type { NewsKeeper } from '../news.ts';
import type { Presence } from '../presence.ts';
import type { PushServer } from '../push-server.ts';
import type { Sender } from '../sender.ts';
import type { News, NotificationText, WorkerOptions } from '../options.ts';
import { worker } from '../global-scope.ts';

export interface PushParts {
  readonly options: WorkerOptions;
  readonly devices: Devices;
  readonly memory: WorkerMemory;
  readonly presence: Presence;
  readonly sender: Sender;
  readonly pushServer: PushServer;
  readonly news: NewsKeeper;
  /** Sets whether entries of others wait, by the tabs that are open now. */
  readonly refreshHold: (scope: PageScope) => Promise<void>;
}

/** One for the site: a later notification takes the place of an earlier one. */
export const NOTIFICATION_TAG = 'wakelog';
/** Browsers cut a push event off after 30 s or so, and punish one that showed nothing. */
const PULL_WITHIN_MS = 15_000;

/** A push is a hint to pull: its payload is not looked at (PUSH6). */
export function listenPush(parts: PushParts): void {
  worker.addEventListener('push', (event) => event.waitUntil(onPush(parts)));
  worker.addEventListener('notificationclick', (event) => {
    event.notification.close();
    event.waitUntil(showPage(parts));
  });
  worker.addEventListener('pushsubscriptionchange', (event) => {
    (event as ExtendableEvent).waitUntil(resubscribe(parts, event));
  });
}

async function onPush(parts: PushParts): Promise<void> {
  const session = await parts.memory.session();
  if (session !== undefined) await pull(parts, session, 'push').catch(() => undefined);
  const tabs = session === undefined ? [] : await parts.presence.tabs(session);
  if (tabs.some(({ visibilityState }) => visibilityState === 'visible')) return;
  const { title, body } = await writeText(parts, session);
  await worker.registration.showNotification(title, { body, tag: NOTIFICATION_TAG });
}

/** Syncs with no page to look at the result, for as long as such an event may take. */
export async function pull(
  { devices, news, refreshHold, sender }: PushParts,
  scope: PageScope,
  why: Wake,
): Promise<void> {
  await refreshHold(scope);
  await Promise.race([sender.send(scope, why), new Promise((resolve) => setTimeout(resolve, PULL_WITHIN_MS))]);
  await news.settled();
  // The worker may be stopped as soon as this event ends.
  await devices.use(scope, ({ replica }) => replica.flush());
}

async function writeText(
  { options, devices, memory }: PushParts,
  scope: PageScope | undefined,
): Promise<NotificationText> {
  const keys = scope === undefined ? [] : await memory.news(scope);
  const heldBack =
    scope === undefined ? 0 : await devices.use(scope, ({ replica }) => replica.heldBack()).catch(() => 0);
  const count = Math.max(keys.length, heldBack, 1);
  const item: News['item'] = async (key) =>
    scope &&
    devices.use(scope, async ({ replica }) => {
      const found = await replica.view.item(key);
      return found && itemToPage(found, await unsentOf(replica));
    });
  const described = await options.describe?.({ count, keys, item }).catch(() => undefined);
  const { title, body } = described ?? options.notification;
  return { title: title.replaceAll('{count}', String(count)), body: body.replaceAll('{count}', String(count)) };
}

async function showPage({ memory, presence }: PushParts): Promise<void> {
  const session = await memory.session();
  const own = session === undefined ? [] : await presence.tabs(session);
  const [tab] = own.length > 0 ? own : await worker.clients.matchAll({ type: 'window' });
  if (tab === undefined) await worker.clients.openWindow(session?.url ?? worker.registration.scope);
  else await tab.focus();
}

interface PushSubscriptionChange {
  readonly newSubscription?: PushSubscription | null;
  readonly oldSubscription?: PushSubscription | null;
}

/** The browser ended the subscription or replaced it: the server has to know the new one. */
async function resubscribe({ memory, pushServer }: PushParts, change: PushSubscriptionChange): Promise<void> {
  const session = await memory.session();
  if (session === undefined || (await memory.push(session)) === undefined) return;
  const applicationServerKey =
    change.oldSubscription?.options.applicationServerKey ?? fromBase64Url(await pushServer.key(session)) ?? null;
  const subscription =
    change.newSubscription ??
    (await worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
  await pushServer.tell(session, subscription.toJSON() as Json);
}
