import type { PageScope } from '../core/protocol/page-messages.ts';
import type { WorkerMemory } from './memory.ts';
import { worker } from './global-scope.ts';
import type { LogRoom } from './storage/begin-log.ts';

/** Which tabs are open, and whose they are. */
export interface Presence {
  /**
   * To be awaited before anything is written: this worker may be the first since the browser was killed, unless a tab that an
   * earlier one knew is still open (LOG22).
   */
  readonly begin: () => Promise<void>;
  /** Whether a tab's account is known without a look into the memory. */
  readonly knows: (clientId: string) => boolean;
  /** Whether the account left since this worker started. */
  readonly hasLeft: (scope: PageScope) => boolean;
  /** A tab said whose it is. */
  readonly note: (clientId: string, scope: PageScope) => Promise<void>;
  /** Whose a tab is; waits a moment for the hello of one that just loaded. Undefined: it never said so. */
  readonly whose: (clientId: string) => Promise<PageScope | undefined>;
  /** Open tabs of an account in a space. */
  readonly tabs: (scope: PageScope) => Promise<readonly WindowClient[]>;
  /** The account left: its tabs, though open, are nobody's until one says hello. */
  readonly forget: (scope: PageScope) => Promise<void>;
  /** The memory was emptied: tabs are asked for anew. */
  readonly forgetAll: () => void;
}

/** A page's own first requests may be ahead of its script's hello by so much, ms. */
const HELLO_WITHIN_MS = 3_000;

export function createPresence(memory: WorkerMemory, room: LogRoom): Presence {
  /** A cache of the memory's tabs. */
  const scopeByClient = new Map<string, PageScope>();
  const waiting = new Map<string, Set<() => void>>();
  /** Pages that let the time pass: they have no script of ours, and wait no more. */
  const silent = new Set<string>();
  const left = new Set<string>();

  async function windows(): Promise<readonly WindowClient[]> {
    return worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  }

  async function known(clientId: string): Promise<PageScope | undefined> {
    return scopeByClient.get(clientId) ?? (await memory.tabs())[clientId];
  }

  let begun: Promise<void> | undefined;

  function begin(): Promise<void> {
    return (begun ??= beginUnlessKnown());
  }

  async function beginUnlessKnown(): Promise<void> {
    // Who cannot be asked knows of nobody, and stands in no write's way.
    if (!(await isSameBrowser().catch(() => false))) await room.begin();
  }

  async function isSameBrowser(): Promise<boolean> {
    const [tabs, open] = await Promise.all([memory.tabs(), windows()]);
    return open.some(({ id }) => id in tabs);
  }

  return {
    begin,
    knows: (clientId) => scopeByClient.has(clientId),
    hasLeft: (scope) => left.has(nameOf(scope)),
    forgetAll: () => scopeByClient.clear(),
    async note(clientId, scope) {
      scopeByClient.set(clientId, scope);
      left.delete(nameOf(scope));
      silent.delete(clientId);
      for (const wake of waiting.get(clientId) ?? []) wake();
      const alive = new Set((await windows()).map(({ id }) => id));
      await memory.changeTabs((tabs) => ({
        ...Object.fromEntries(Object.entries(tabs).filter(([id]) => alive.has(id))),
        [clientId]: scope,
      }));
    },
    async whose(clientId) {
      const scope = await known(clientId);
      if (scope !== undefined || silent.has(clientId)) return scope;
      // It may have said so while the memory was read, when nobody waited yet.
      const meanwhile = scopeByClient.get(clientId);
      if (meanwhile !== undefined) return meanwhile;
      const waiters = waiting.get(clientId) ?? new Set();
      waiting.set(clientId, waiters);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          waiters.delete(wake);
          if (waiters.size === 0) waiting.delete(clientId);
          resolve();
        };
        const timer = setTimeout(wake, HELLO_WITHIN_MS);
        waiters.add(wake);
      });
      const late = await known(clientId);
      if (late === undefined) silent.add(clientId);
      return late;
    },
    async tabs({ account, space }) {
      const stored = await memory.tabs();
      return (await windows()).filter(({ id }) => {
        const scope = scopeByClient.get(id) ?? stored[id];
        return scope?.account === account && scope.space === space;
      });
    },
    async forget(gone) {
      left.add(nameOf(gone));
      const isOther = (scope: PageScope): boolean => nameOf(scope) !== nameOf(gone);
      for (const [id, scope] of scopeByClient) if (!isOther(scope)) scopeByClient.delete(id);
      await memory.changeTabs((tabs) => Object.fromEntries(Object.entries(tabs).filter(([, scope]) => isOther(scope))));
    },
  };
}

function nameOf({ account, space }: PageScope): string {
  return JSON.stringify([account, space]);
}
