import type { Json } from '../core/log/body.ts';
import { StorageFull } from '../core/log/row-store.ts';
import type { PageScope } from '../core/protocol/page-messages.ts';
import type { MetaStore } from './storage/meta-store.ts';

/** Who uses this browser now, as the last page that said hello told it. */
export interface Session extends PageScope {
  /** The page's address, to open again when somebody clicks a notification. */
  readonly url: string;
}

/** What pages said of one account in one space. */
export interface Wishes {
  readonly updates: 'hold' | 'live';
  readonly headers: Readonly<Record<string, string>>;
}

/** The push subscription of this browser for one account in one space. */
export interface PushMemory {
  readonly subscription: Json;
  /** Whether the server took it. */
  readonly told: boolean;
}

export type Tabs = Readonly<Record<string, PageScope>>;

/**
 * What the worker has to remember from one start to the next, beside the accounts' own databases. Everything else it holds
 * is a cache of this, of those, or of the browser's own state.
 *
 * Without room for it everything stays as it was, and only who uses the browser may not: a device that is full must go on
 * showing what it holds (LOG18).
 */
export interface WorkerMemory {
  readonly session: () => Promise<Session | undefined>;
  /** The session that was there before, so that the caller sees a change of account, which rejects when there is no room. */
  readonly setSession: (session: Session | undefined) => Promise<Session | undefined>;
  readonly wishes: (scope: PageScope) => Promise<Wishes>;
  readonly setWishes: (scope: PageScope, wishes: Wishes | undefined) => Promise<void>;
  readonly push: (scope: PageScope) => Promise<PushMemory | undefined>;
  readonly setPush: (scope: PageScope, push: PushMemory | undefined) => Promise<void>;
  /** Tabs by client id, those that are gone included. */
  readonly tabs: () => Promise<Tabs>;
  readonly changeTabs: (change: (tabs: Tabs) => Tabs) => Promise<void>;
  /** Keys that others changed since a page was last looked at, up to a bound. */
  readonly news: (scope: PageScope) => Promise<readonly string[]>;
  readonly addNews: (scope: PageScope, keys: readonly string[]) => Promise<void>;
  readonly clearNews: (scope: PageScope) => Promise<void>;
}

const MOST_NEWS_KEYS = 1_000;
const NO_WISHES: Wishes = { updates: 'hold', headers: {} };

export function createMemory(meta: MetaStore): WorkerMemory {
  const read = async <T>(name: string): Promise<T | undefined> => (await meta.get(name)) as T | undefined;
  const write = (name: string, value: unknown): Promise<void> => meta.update(name, () => value);
  return {
    session: () => read('session'),
    async setSession(session) {
      let before: Session | undefined;
      const setting = meta.update('session', (value) => {
        before = value as Session | undefined;
        return session;
      });
      await setting.catch((error: unknown) => {
        if (!isSame(before, session)) throw error;
        return unlessFull(error);
      });
      return before;
    },
    wishes: async (scope) => (await read(nameOf('wishes', scope))) ?? NO_WISHES,
    async setWishes(scope, wishes) {
      const writing = write(nameOf('wishes', scope), wishes);
      // They may hold a password: when they are to be forgotten, they have to be.
      await (wishes === undefined ? writing : writing.catch(unlessFull));
    },
    push: (scope) => read(nameOf('push', scope)),
    setPush: (scope, push) => write(nameOf('push', scope), push),
    tabs: async () => (await read<Tabs>('tabs')) ?? {},
    changeTabs: (change) => meta.update('tabs', (value) => change((value as Tabs | undefined) ?? {})).catch(unlessFull),
    news: async (scope) => (await read<readonly string[]>(nameOf('news', scope))) ?? [],
    addNews: (scope, keys) =>
      meta
        .update(nameOf('news', scope), (value) =>
          [...new Set([...((value as readonly string[] | undefined) ?? []), ...keys])].slice(0, MOST_NEWS_KEYS),
        )
        .catch(unlessFull),
    clearNews: (scope) => write(nameOf('news', scope), undefined),
  };
}

function nameOf(what: string, { account, space }: PageScope): string {
  return `${what}:${JSON.stringify([account, space])}`;
}

function isSame(a: Session | undefined, b: Session | undefined): boolean {
  return a !== undefined && a.account === b?.account && a.space === b.space;
}

function unlessFull(error: unknown): void {
  if (!(error instanceof StorageFull)) throw error;
}
