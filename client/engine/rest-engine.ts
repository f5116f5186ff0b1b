import { itemPath } from '../../core/engine/rest/collection-path.ts';
import type { Json } from '../../core/log/body.ts';
import { PageError } from '../page-error.ts';
import type { PageAppended, PageDraft, PageItem, PageStatus, PageWrite } from '../../core/protocol/page-messages.ts';
import { keepPresent } from '../page/presence.ts';
import { createWritable } from '../readable.ts';
import { createListeners } from './listeners.ts';
import type { AuthHook, Change, PageEngine } from './page-engine.ts';
import { createRestClient } from './rest-client.ts';
import type { RestAnswer } from './rest-client.ts';

/** How often a visible page asks the server again, ms: nobody tells a page without a worker that something changed. */
const POLL_EVERY_MS = 15_000;

const INITIAL_STATUS: PageStatus = {
  engine: 'rest',
  connection: 'idle',
  unsent: 0,
  refused: [],
  conflicts: 0,
  updatesReady: 0,
  atRisk: null,
  updateNeeded: false,
  lastSynced: null,
  push: 'unsupported',
};

/**
 * The same interface where no worker can be: every read and write goes to the server's own collection routes (PAGE7), so
 * names of collections have to be paths that it serves. A write is settled once it is answered. Several writes at once,
 * which only a log takes as one, are refused.
 */
export function createRestEngine(auth: AuthHook | undefined): PageEngine {
  const status = createWritable(INITIAL_STATUS);
  const changes = createListeners<Change>();
  const toItem = createItemMaker();
  const client = createRestClient(auth, (change) => status.set({ ...status.getSnapshot(), ...change }));

  const tell = (): void => changes.tell({ keys: 'all' });
  const write = async (send: () => Promise<RestAnswer>): Promise<PageAppended> => {
    const count = (by: number): void =>
      status.set({ ...status.getSnapshot(), unsent: status.getSnapshot().unsent + by });
    count(1);
    try {
      const { ids } = await send();
      return { id: ids[0] ?? '', log: '', sequence: -1 };
    } finally {
      count(-1);
      tell();
    }
  };

  const stopPresence = keepPresent({ onReturn: tell, onAlive: () => {} });
  const poll = setInterval(
    () => document.visibilityState === 'visible' && changes.count() > 0 && tell(),
    POLL_EVERY_MS,
  );

  return {
    status,
    append: async (drafts) => {
      const writes = drafts.map(singleWrite);
      const appended: PageAppended[] = [];
      for (const each of writes) appended.push(await write(() => sendWrite(client, each)));
      return appended;
    },
    patch: (key, partial) => write(() => client.send('PATCH', keyToPath(key), {}, partial)),
    async item(key) {
      const { value, ids } = await client.send('GET', keyToPath(key)).catch(noneIfMissing);
      return value === undefined ? null : toItem(key, value, '', ids);
    },
    async items(prefix) {
      const { value } = await client.send('GET', prefix.slice(0, -1));
      if (!Array.isArray(value)) throw new PageError('not-found');
      return value.map((each: Json, index) =>
        toItem(`${prefix}${idOf(each)}`, each, String(index).padStart(8, '0'), []),
      );
    },
    conflicts: noHistory,
    collisions: noHistory,
    verdict: () => Promise.resolve({ state: 'accepted' }),
    accept: () => Promise.resolve([]),
    sync: () => Promise.resolve(tell()),
    signIn: async () => {
      await client.signIn();
      tell();
    },
    exportUnsent: () => Promise.resolve([]),
    leave: () => Promise.resolve(),
    follow: changes.follow,
    close() {
      stopPresence();
      clearInterval(poll);
    },
  };
}

/** The same text gives the same object: a poll that brought nothing new tells nobody. */
function createItemMaker(): (key: string, value: Json, created: string, ids: readonly string[]) => PageItem {
  const known = new Map<string, { readonly text: string; readonly item: PageItem }>();
  return (key, value, created, ids) => {
    const text = JSON.stringify([value, created, ids]);
    const before = known.get(key);
    if (before?.text === text) return before.item;
    const state = { deleted: false, conflict: ids.length > 1, incomplete: false, unsent: false };
    const item = { key, value, ids, created, ...state };
    known.set(key, { text, item });
    return item;
  };
}

function singleWrite({ writes, events }: PageDraft): PageWrite {
  const [write] = writes;
  if (write === undefined || writes.length > 1 || (events !== undefined && events.length > 0)) {
    throw new PageError('method-not-allowed', 'several writes as one, and events, need a service worker');
  }
  return write;
}

function sendWrite(client: ReturnType<typeof createRestClient>, write: PageWrite): Promise<RestAnswer> {
  const path = keyToPath(write.key);
  const headers = conditionOf(write.parents);
  return 'value' in write ? client.send('PUT', path, headers, write.value) : client.send('DELETE', path, headers);
}

/** Parents as a condition: what the writer saw has to be what is there. */
function conditionOf(parents: readonly string[] | undefined): Record<string, string> {
  if (parents === undefined) return {};
  return parents.length === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${parents.join(',')}"` };
}

function keyToPath(key: string): string {
  const slash = key.lastIndexOf('/');
  return itemPath(key.slice(0, slash), key.slice(slash + 1));
}

function idOf(value: Json): string {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : '';
}

/** Not an empty list: there may well be some, and whoever looks for them must not be told that there are none. */
function noHistory(): Promise<never> {
  return Promise.reject(new PageError('not-found', 'the history of keys needs a service worker'));
}

function noneIfMissing(error: unknown): RestAnswer {
  if (error instanceof PageError && error.code === 'not-found') return { value: undefined, ids: [] };
  throw error;
}
