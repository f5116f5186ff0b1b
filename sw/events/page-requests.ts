import { appendOnce } from '../../core/engine/append-once.ts';
import { createKeyedTurns } from '../../core/engine/keyed-turns.ts';
import type { PageRequests, PageRequestType, PageScope, PageStatus } from '../../core/protocol/page-messages.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { Device } from '../../core/engine/device.ts';
import type { Shell } from '../capture/shell.ts';
import type { OpenHints } from '../hints.ts';
import { tellReset } from '../hints.ts';
import { itemToPage, unsentOf } from '../../core/engine/page-item.ts';
import { worker } from '../global-scope.ts';
import type { PushParts } from './push.ts';
import { NOTIFICATION_TAG } from './push.ts';

export interface PageRequestParts extends PushParts {
  readonly shell: Shell | undefined;
  readonly statusOf: (device: Device) => Promise<PageStatus>;
  readonly openHints: OpenHints;
}

/** Who asks, and how to go on after the answer while the browser keeps the worker alive. */
export interface Asking {
  readonly tab: WindowClient | undefined;
  readonly later: (work: Promise<unknown>) => void;
}

export type PageHandlers = {
  readonly [T in PageRequestType]: (ask: PageRequests[T]['ask'], asking: Asking) => Promise<PageRequests[T]['answer']>;
};

/** What this worker answers to each request of a page. Every one may come twice, and from a page of an older version. */
export function createPageHandlers(parts: PageRequestParts): PageHandlers {
  const { devices, sender, pushServer, statusOf } = parts;
  const attempts = createKeyedTurns();
  return {
    hello: (ask, asking) => greet(parts, ask, asking),
    async alive(scope) {
      await devices.use(scope, async (device) => device.live(true));
      return null;
    },
    append: ({ attempt, drafts, ...scope }, { later }) =>
      attempts(attempt, async () => {
        const appended = await devices.use(scope, ({ replica }) => appendOnce(replica, attempt, drafts));
        later(sender.send(scope, 'write'));
        return appended;
      }),
    item: ({ key, ...scope }) =>
      devices.use(scope, async ({ replica }) => {
        const item = await replica.view.item(key);
        return item === undefined ? null : itemToPage(item, await unsentOf(replica));
      }),
    items: ({ prefix, ...scope }) =>
      devices.use(scope, async ({ replica }) => {
        const isUnsent = await unsentOf(replica);
        return (await replica.view.items(prefix)).map((item) => itemToPage(item, isUnsent));
      }),
    conflicts: (scope) =>
      devices.use(scope, async ({ replica }) => {
        const isUnsent = await unsentOf(replica);
        const items = await Promise.all(replica.view.conflicted().map((key) => replica.view.item(key)));
        return items.filter((item) => item !== undefined).map((item) => itemToPage(item, isUnsent));
      }),
    collisions: (scope) => devices.use(scope, ({ replica }) => replica.view.collisions()),
    status: (scope) => devices.use(scope, statusOf),
    settled: ({ id, ...scope }) => devices.use(scope, (device) => device.settled(id)),
    accept: (scope) => devices.use(scope, ({ replica }) => replica.release()),
    async sync({ why, ...scope }, { tab, later }) {
      if (tab?.visibilityState === 'visible') await lookedAt(parts, scope);
      later(sender.send(scope, why));
      return null;
    },
    async subscribed({ subscription, ...scope }) {
      await pushServer.tell(scope, subscription);
      await devices.use(scope, async (device) => device.wake('call'));
      return null;
    },
    pushKey: (scope) => pushServer.key(scope),
    exportUnsent: (scope) => devices.use(scope, (device) => device.exportUnsent()),
    async leave({ wipe, ...scope }) {
      await leave(parts, scope, wipe);
      return null;
    },
  };
}

/**
 * A tab that this worker does not know says something else than hello: the worker was stopped meanwhile, or the browser
 * emptied its memory. Whose tab it is stands in every request. A tab of an account that left is not taken for a new one.
 */
export async function admitTab(
  { memory, presence }: PageRequestParts,
  scope: PageScope,
  tab: WindowClient,
): Promise<void> {
  if (presence.knows(tab.id)) return;
  if (presence.hasLeft(scope)) throw new WakelogError('unauthenticated', 'this account left this browser');
  await presence.note(tab.id, scope);
  if ((await memory.session()) === undefined) await memory.setSession({ ...scope, url: tab.url });
}

async function greet(
  parts: PageRequestParts,
  { account, space, updates, fresh, headers }: PageRequests['hello']['ask'],
  { tab, later }: Asking,
): Promise<PageStatus> {
  const { devices, memory, presence, sender, pushServer, statusOf, refreshHold } = parts;
  const scope = { account, space };
  const before = await memory.setSession({ ...scope, url: tab?.url ?? worker.registration.scope });
  if (before !== undefined && before.account !== account) await changeAccount(parts, tab, later);
  await memory.setWishes(scope, { updates, headers: headers ?? (await memory.wishes(scope)).headers });
  if (tab !== undefined) await presence.note(tab.id, scope);
  await closeUnused(parts, scope);
  await refreshHold(scope);
  return devices.use(scope, async (device) => {
    const others = (await presence.tabs(scope)).filter(({ id }) => id !== tab?.id);
    // A page that shows nothing yet has nothing that could change under its reader.
    if (fresh && others.length === 0) await device.replica.release();
    if (tab?.visibilityState === 'visible') {
      device.live(true);
      await lookedAt(parts, scope);
    }
    later(sender.send(scope, 'start').then(() => pushServer.retell(scope)));
    return statusOf(device);
  });
}

/** Another account uses the browser now: nothing that the one before saw or subscribed to is left within its reach. */
async function changeAccount(
  { shell }: PageRequestParts,
  tab: WindowClient | undefined,
  later: Asking['later'],
): Promise<void> {
  await shell?.clear();
  if (shell !== undefined && tab !== undefined) later(shell.warm([tab.url]));
  await endSubscription();
}

async function endSubscription(): Promise<void> {
  const manager = worker.registration.pushManager as PushManager | undefined;
  const subscription = await manager?.getSubscription().catch(() => null);
  await subscription?.unsubscribe().catch(() => undefined);
}

/** Devices of accounts and spaces that no tab is open for neither sync nor listen. */
async function closeUnused({ devices, presence }: PageRequestParts, present: PageScope): Promise<void> {
  for (const scope of devices.scopes()) {
    const isPresent = scope.account === present.account && scope.space === present.space;
    if (!isPresent && (await presence.tabs(scope)).length === 0) await devices.close(scope);
  }
}

/** Somebody looks at a page: what a notification would tell is no news any more. */
async function lookedAt({ memory }: PageRequestParts, scope: PageScope): Promise<void> {
  await memory.clearNews(scope);
  for (const shown of await worker.registration.getNotifications({ tag: NOTIFICATION_TAG })) shown.close();
}

async function leave(parts: PageRequestParts, scope: PageScope, wipe: boolean): Promise<void> {
  const { devices, memory, presence, pushServer, shell, openHints } = parts;
  // Without a network the server finds out when it next pushes: the subscription is dead then.
  if ((await memory.push(scope)) !== undefined) await pushServer.tell(scope, null).catch(() => undefined);
  await endSubscription();
  const session = await memory.session();
  if (session?.account === scope.account && session.space === scope.space) await memory.setSession(undefined);
  await memory.setWishes(scope, undefined);
  await memory.clearNews(scope);
  await presence.forget(scope);
  await (wipe ? devices.wipe(scope) : devices.close(scope));
  await shell?.clear();
  tellReset(openHints, scope);
}
