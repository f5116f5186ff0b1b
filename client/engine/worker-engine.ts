import { mergePatch } from '../../core/engine/rest/merge-patch.ts';
import type { Json } from '../../core/log/body.ts';
import { PageError } from '../page-error.ts';
import type { PageAppended, PageDraft, PageScope } from '../../core/protocol/page-messages.ts';
import { keepPresent } from '../page/presence.ts';
import { byCreation } from './by-creation.ts';
import type { Ask, Asker } from './ask.ts';
import { createAsker } from './ask.ts';
import type { AuthHook, PageEngine } from './page-engine.ts';
import { openSession, quietly } from './worker-session.ts';

export interface WorkerEngineOptions {
  readonly scope: PageScope;
  readonly updates: 'hold' | 'live';
  readonly mount: string;
  readonly auth: AuthHook | undefined;
  /** Whoever is in charge now: `registration.active`, which is there also on a page that no worker controls. */
  readonly worker: () => ServiceWorker | null;
  /** A new version waits for the present one to end: it does when no page says more than it has to. */
  readonly isChanging: () => boolean;
}

export interface WorkerEngine extends PageEngine {
  readonly asker: Asker;
}

/**
 * The engine of a page with a worker. Everything true is in the worker; the page holds one status and whatever its live
 * queries read. Rejects when no worker answers, and then the page takes the server's own routes.
 */
export async function createWorkerEngine(options: WorkerEngineOptions): Promise<WorkerEngine> {
  const { scope, updates, auth, mount, isChanging } = options;
  const asker = createAsker(options.worker);
  const { ask } = asker;
  const session = await openSession({ ask, scope, updates, auth });
  const stopPresence = keepPresent({
    onReturn(why) {
      quietly(ask('sync', { ...scope, why }));
      session.readAgain();
    },
    onAlive: () => isChanging() || quietly(ask('alive', scope)),
    openStream: async (signal) => {
      // Without a controller nobody would answer but the server, which has no such route; one that ends opens no stream.
      if (navigator.serviceWorker.controller === null || isChanging()) await controlled(signal);
      if (!signal.aborted) await readStream(`${mount}/updates`, scope, signal);
    },
    onStreamEnd: session.readAgain,
  });
  const append = (drafts: readonly PageDraft[]): Promise<readonly PageAppended[]> =>
    ask('append', { ...scope, attempt: crypto.randomUUID(), drafts });

  return {
    asker,
    status: session.status,
    append,
    patch: (key, partial) => patchItem(ask, scope, append, key, partial),
    item: (key) => ask('item', { ...scope, key }),
    items: async (prefix) => {
      const items = await ask('items', { ...scope, prefix });
      return items.filter((item) => !item.deleted).sort(byCreation);
    },
    conflicts: () => ask('conflicts', scope),
    collisions: () => ask('collisions', scope),
    verdict: (id) => ask('settled', { ...scope, id }),
    accept: () => ask('accept', scope),
    async sync() {
      await ask('sync', { ...scope, why: 'call' });
    },
    signIn: session.signIn,
    exportUnsent: () => ask('exportUnsent', scope),
    async leave(wipe) {
      await ask('leave', { ...scope, wipe });
    },
    follow: session.follow,
    close() {
      stopPresence();
      session.close();
      asker.close();
    },
  };
}

/** Two tabs that patch one item take turns; what came from elsewhere meanwhile becomes a conflict, never a loss. */
function patchItem(
  ask: Ask,
  scope: PageScope,
  append: (drafts: readonly PageDraft[]) => Promise<readonly PageAppended[]>,
  key: string,
  partial: { readonly [name: string]: Json },
): Promise<PageAppended> {
  return navigator.locks.request(`wakelog:patch:${JSON.stringify([scope.account, scope.space, key])}`, async () => {
    const item = await ask('item', { ...scope, key });
    if (item === null || item.deleted) throw new PageError('not-found');
    const write = { key, value: mergePatch(item.value, partial), parents: item.ids.slice(0, 1) };
    const [appended] = await append([{ writes: [write] }]);
    if (appended === undefined) throw new PageError('internal');
    return appended;
  });
}

/** Reads the worker's stream until it ends. Hints come another way as well; what counts is that somebody reads. */
async function readStream(path: string, { account, space }: PageScope, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ account, space });
  const answer = await fetch(`${path}?${query}`, { signal, cache: 'no-store' });
  const reader = answer.ok ? answer.body?.getReader() : undefined;
  let done = reader === undefined;
  while (!done) done = (await reader?.read())?.done ?? true;
}

function controlled(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true, signal });
    signal.addEventListener('abort', () => resolve());
  });
}
