import type { Device } from '../core/engine/device.ts';
import { itemToPage, unsentOf } from '../core/engine/page-item.ts';
import type { Replica, ViewChange } from '../core/engine/replica.ts';
import { createTurns } from '../core/engine/turns.ts';
import type { Version } from '../core/views/key-value/item.ts';
import type { PageHint, PageItem, PageScope, PageStatus } from '../core/protocol/page-messages.ts';
import { pageChannelName } from '../core/protocol/page-messages.ts';

type Told<Hint> = Hint extends PageHint ? Omit<Hint, 'life' | 'count'> : never;

/** What this worker tells pages, and other versions of itself, about one account in one space. */
export interface Hints {
  readonly tell: (hint: Told<PageHint>) => void;
  readonly close: () => void;
}

/** A status is read this long after it changed: reading it takes longer than a write, and must not hold up the next one. */
const STATUS_DELAY_MS = 50;

/** A hint that names more keys than this is longer than reading everything again. */
const MOST_KEYS = 1_000;

/** So many items at most, and so long together, go along with a hint: a page that shows them need not ask. */
const MOST_ITEMS = 8;
const MOST_ITEM_CHARS = 16_384;

/** Opens the channel of an account in a space. */
export type OpenHints = (scope: PageScope) => Hints;

/** One for each start of the worker: pages see by its name and its counts that hints of the one before may be missing. */
export function createOpenHints(): OpenHints {
  const life = crypto.randomUUID();
  const countByChannel = new Map<string, number>();
  return (scope) => {
    const name = pageChannelName(scope);
    const channel = new BroadcastChannel(name);
    return {
      tell(hint) {
        const count = (countByChannel.get(name) ?? 0) + 1;
        countByChannel.set(name, count);
        channel.postMessage({ ...hint, life, count });
      },
      close: () => channel.close(),
    };
  };
}

/** Tells pages that everything may have changed. */
export function tellReset(openHints: OpenHints, scope: PageScope): void {
  const hints = openHints(scope);
  hints.tell({ type: 'reset' });
  hints.close();
}

/**
 * Tells pages of every change of a device (PAGE3), and lets it catch up with what another version of this worker wrote to
 * the same database. Returns the way to stop.
 */
export function followDevice(
  openHints: OpenHints,
  scope: PageScope,
  device: Device,
  statusOf: (device: Device) => Promise<PageStatus>,
): () => void {
  const hints = openHints(scope);
  const others = new BroadcastChannel(`wakelog-workers:${pageChannelName(scope)}`);
  // What fails here failed for good reasons (the database is gone), and whoever asks next is told.
  const catchUp = (): void => void device.replica.catchUp().catch(() => undefined);
  others.addEventListener('message', catchUp);
  // What it wrote since the device was opened, and before anybody listened here.
  catchUp();
  let told: string | undefined;
  let telling = false;
  let again = false;

  const tellStatus = async (): Promise<void> => {
    again = true;
    if (telling) return;
    telling = true;
    // One at a time: a status that changes while it is read is read again, however often it changed.
    while (again) {
      await new Promise((resolve) => setTimeout(resolve, STATUS_DELAY_MS));
      again = false;
      const status = await statusOf(device).catch(() => undefined);
      const text = JSON.stringify(status);
      if (status === undefined || text === told) continue;
      const before = told === undefined ? undefined : (JSON.parse(told) as PageStatus);
      told = text;
      hints.tell({ type: 'status', status });
      if (status.connection === 'needs-auth' && before?.connection !== 'needs-auth') hints.tell({ type: 'needs-auth' });
    }
    telling = false;
  };

  const turns = createTurns();
  const tellChange = async (change: ViewChange): Promise<void> => {
    const { keys, origin } = change;
    const items = await fewItems(device.replica, change).catch(() => undefined);
    hints.tell({ type: 'changed', keys, origin, ...(items === undefined ? {} : { items }) });
  };
  const stopChanges = device.replica.follow((change) => {
    void turns(async () => (change.keys.length > MOST_KEYS ? hints.tell({ type: 'reset' }) : tellChange(change)));
    others.postMessage(null);
  });
  const stopStatus = device.followStatus(() => void tellStatus());
  return () => {
    stopChanges();
    stopStatus();
    hints.close();
    others.close();
  };
}

/** The items under some keys, all of them; undefined when they are too many or too long to tell everybody. */
async function fewItems(replica: Replica, { keys, isFresh }: ViewChange): Promise<readonly PageItem[] | undefined> {
  if (keys.length > MOST_ITEMS) return undefined;
  const own = replica.ownLog();
  const isUnsent = isFresh ? ({ log }: Version): boolean => log === own : await unsentOf(replica);
  const items: PageItem[] = [];
  for (const key of keys) {
    const item = await replica.view.item(key);
    if (item === undefined) return undefined;
    items.push(itemToPage(item, isUnsent));
  }
  return JSON.stringify(items).length > MOST_ITEM_CHARS ? undefined : items;
}
