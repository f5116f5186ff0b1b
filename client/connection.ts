import type { Json } from '../core/log/body.ts';
import type {
  PageAppended,
  PageCollision,
  PageDraft,
  PageItem,
  PageStatus,
  PageVerdict,
} from '../core/protocol/page-messages.ts';
import { PageError } from './page-error.ts';
import type { Collection } from './collection.ts';
import { createCollection } from './collection.ts';
import type { Change, PageEngine } from './engine/page-engine.ts';
import type { Readable } from './readable.ts';

/** What a page works with. Every function is bound. */
export interface Connection {
  readonly status: Readable<PageStatus>;
  /** A newer version of the site's worker took over while this page was open. */
  readonly newVersion: Readable<boolean>;
  readonly updates: 'hold' | 'live';
  /**
   * Items under a name. A path that is captured (`/api/tasks`) names the same items as `fetch` to that path; its last part
   * alone (`tasks`) is enough. Any other name works as well, with a worker.
   */
  readonly collection: <T extends Json = Json>(name: string) => Collection<T>;
  /** Several keys, and events, as one atomic entry: all of it shown and sent, or none. */
  readonly append: (draft: PageDraft) => Promise<PageAppended>;
  /**
   * Keys that were written at the same time and not resolved since: every live version is kept, `ids` names them, and an
   * `append` with all of them as `parents` resolves the key. Rejects with `not-found` without a worker.
   */
  readonly conflicts: () => Promise<readonly PageItem[]>;
  /**
   * Every time that two or more entries followed the same version of a key, or each were its first write, resolved or not:
   * facts of history, the same on every device (S1.17, VIEW1). Rejects with `not-found` without a worker.
   */
  readonly collisions: () => Promise<readonly PageCollision[]>;
  /** Resolves once an own entry is accepted, refused or unknown here. May be asked in a later visit as well. */
  readonly settled: (id: string) => Promise<PageVerdict>;
  /** Shows what waits under the ribbon; the keys that changed. */
  readonly accept: () => Promise<readonly string[]>;
  readonly sync: () => Promise<void>;
  /** After somebody signed in: asks the auth hook, and sending goes on. */
  readonly signIn: () => Promise<void>;
  /** Call it from a click or a key, before anything is awaited. */
  readonly enableNotifications: () => Promise<PageStatus['push']>;
  /** Own entries that no server has, for a person who has to save them by hand. */
  readonly exportUnsent: () => Promise<readonly Json[]>;
  /** Closes the account's data on this device; `wipe` deletes it, unsent entries included. The connection is closed then. */
  readonly leave: (options?: { readonly wipe?: boolean }) => Promise<void>;
  /** Tells of every change of the shown state; returns the way to stop. */
  readonly follow: (listener: (change: Change) => void) => () => void;
  readonly close: () => void;
}

export interface ConnectionParts {
  readonly engine: PageEngine;
  readonly newVersion: Readable<boolean>;
  readonly updates: 'hold' | 'live';
  readonly capture: readonly string[];
  readonly enableNotifications: () => Promise<PageStatus['push']>;
}

export function createConnection({ engine, capture, ...parts }: ConnectionParts): Connection {
  const collections = new Map<string, Collection>();
  const closed = new AbortController();

  const append = async (draft: PageDraft): Promise<PageAppended> => {
    const [appended] = await engine.append([draft]);
    if (appended === undefined) throw new PageError('internal');
    return appended;
  };
  const close = (): void => {
    closed.abort();
    engine.close();
  };
  return {
    ...parts,
    status: engine.status,
    collection<T extends Json>(name: string) {
      const path = nameToPath(name, capture);
      // One object for one name: what a component subscribes to stays the same over its renders.
      const collection =
        collections.get(path) ?? createCollection(engine, path, (write) => append({ writes: [write] }));
      collections.set(path, collection);
      return collection as unknown as Collection<T>;
    },
    append,
    conflicts: engine.conflicts,
    collisions: engine.collisions,
    async settled(id) {
      for (;;) {
        const changed = nextStatus(engine.status, closed.signal);
        const verdict = await engine.verdict(id);
        if (verdict.state !== 'unsent' || closed.signal.aborted) return verdict;
        await changed;
      }
    },
    accept: engine.accept,
    sync: engine.sync,
    signIn: engine.signIn,
    exportUnsent: engine.exportUnsent,
    async leave({ wipe = false } = {}) {
      await engine.leave(wipe);
      close();
    },
    follow: engine.follow,
    close,
  };
}

function nameToPath(name: string, capture: readonly string[]): string {
  if (name.startsWith('/')) return name.replace(/\/$/, '');
  return capture.find((path) => path.endsWith(`/${name}`)) ?? name;
}

/** Resolves with the next change of the status, or when the connection is closed. */
function nextStatus(status: Readable<PageStatus>, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let present = true;
    const stop = status.subscribe(() => {
      if (present) return;
      stop();
      resolve();
    });
    present = false;
    closed.addEventListener('abort', () => {
      stop();
      resolve();
    });
  });
}
