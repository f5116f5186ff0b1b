import type { Json } from '../../core/log/body.ts';
import type {
  PageAppended,
  PageCollision,
  PageDraft,
  PageItem,
  PageStatus,
  PageVerdict,
} from '../../core/protocol/page-messages.ts';
import type { Readable } from '../readable.ts';

/** Keys that changed, with the items under them where these are at hand, or `all` when nobody can say which: read again. */
export type Change =
  | { readonly keys: readonly string[]; readonly origin: 'own' | 'remote'; readonly items?: readonly PageItem[] }
  | { readonly keys: 'all'; readonly items?: undefined };

/** What a connection stands on: the worker, or the server's own routes where no worker can be. */
export interface PageEngine {
  readonly status: Readable<PageStatus>;
  readonly append: (drafts: readonly PageDraft[]) => Promise<readonly PageAppended[]>;
  /** Sets the members that `partial` names and leaves the others. Rejects with `not-found` when there is no such item. */
  readonly patch: (key: string, partial: { readonly [name: string]: Json }) => Promise<PageAppended>;
  readonly item: (key: string) => Promise<PageItem | null>;
  /** In the order of creation; deleted items are left out. */
  readonly items: (prefix: string) => Promise<readonly PageItem[]>;
  /** Rejects with `not-found` where no log is kept. */
  readonly conflicts: () => Promise<readonly PageItem[]>;
  /** Rejects with `not-found` where no log is kept. */
  readonly collisions: () => Promise<readonly PageCollision[]>;
  /** What is known now; `settled` of the connection waits for more. */
  readonly verdict: (id: string) => Promise<PageVerdict>;
  readonly accept: () => Promise<readonly string[]>;
  readonly sync: () => Promise<void>;
  /** Asks the auth hook again and tells the engine to go on. */
  readonly signIn: () => Promise<void>;
  readonly exportUnsent: () => Promise<readonly Json[]>;
  readonly leave: (wipe: boolean) => Promise<void>;
  readonly follow: (listener: (change: Change) => void) => () => void;
  readonly close: () => void;
}

/** Headers for every request to the server, an Authorization, say. Rejects when there are none to be had now. */
export type AuthHook = () => Promise<Readonly<Record<string, string>>>;
