import type { Json } from '../core/log/body.ts';
import type { PageAppended, PageItem, PageWrite } from '../core/protocol/page-messages.ts';
import { createLiveItem, createLiveList } from './engine/live-query.ts';
import type { PageEngine } from './engine/page-engine.ts';
import type { Readable } from './readable.ts';
import { createWritable } from './readable.ts';

/** One item of a collection. */
export interface CollectionItem<T extends Json = Json> {
  readonly id: string;
  readonly value: T;
  /** No server has it yet. */
  readonly unsent: boolean;
  /** Somebody else wrote at the same time; `versions` names what is live. */
  readonly conflict: boolean;
  /** Something that this version follows is not here yet. */
  readonly incomplete: boolean;
  /** Ids of all live versions, the shown one first. */
  readonly versions: readonly string[];
}

/**
 * Items under one name. It is a live query itself: `subscribe` and `getSnapshot` give all items in the order of creation,
 * undefined before the first read, and follow both Svelte's store contract and React's `useSyncExternalStore` (PAGE4).
 */
export interface Collection<T extends Json = Json> extends Readable<readonly CollectionItem<T>[] | undefined> {
  /** The key of an item, for `append`. */
  readonly key: (id: string) => string;
  /** Resolves when the value is durable on this device and shown (without a worker: at the server). */
  readonly put: (id: string, value: T) => Promise<PageAppended>;
  /** Sets some members of an object; null removes one (RFC 7396). Rejects with `not-found` when there is no such item. */
  readonly patch: (id: string, partial: { readonly [name: string]: Json }) => Promise<PageAppended>;
  readonly delete: (id: string) => Promise<PageAppended>;
  readonly get: (id: string) => Promise<CollectionItem<T> | undefined>;
  readonly list: () => Promise<readonly CollectionItem<T>[]>;
  /** One item as a live query: undefined before the first read, null when there is none. */
  readonly watch: (id: string) => Readable<CollectionItem<T> | null | undefined>;
}

export function createCollection<T extends Json>(
  engine: PageEngine,
  path: string,
  append: (write: PageWrite) => Promise<PageAppended>,
): Collection<T> {
  const prefix = `${path}/`;
  const key = (id: string): string => prefix + id;
  const shownBySource = new WeakMap<PageItem, CollectionItem<T>>();
  const show = (item: PageItem): CollectionItem<T> => {
    let shown = shownBySource.get(item);
    if (shown === undefined) {
      const { value, unsent, conflict, incomplete, ids } = item;
      shown = { id: item.key.slice(prefix.length), value: value as T, unsent, conflict, incomplete, versions: ids };
      shownBySource.set(item, shown);
    }
    return shown;
  };
  const present = (item: PageItem | null): CollectionItem<T> | undefined =>
    item === null || item.deleted ? undefined : show(item);
  return {
    ...derive(createLiveList(engine, prefix), (items) => items?.map(show)),
    key,
    put: (id, value) => append({ key: key(id), value }),
    patch: (id, partial) => engine.patch(key(id), partial),
    delete: (id) => append({ key: key(id), deleted: true }),
    get: async (id) => present(await engine.item(key(id))),
    list: async () => (await engine.items(prefix)).map(show),
    watch: (id) => derive(createLiveItem(engine, key(id)), (item) => item && show(item)),
  };
}

/** Another shape of a followed value; made once for each value, so that its identity says whether it changed. */
function derive<From, To>(source: Readable<From>, shape: (value: From) => To): Readable<To> {
  let last = source.getSnapshot();
  const shaped = createWritable(shape(last), () =>
    source.subscribe((value) => {
      if (value === last) return;
      last = value;
      shaped.set(shape(value));
    }),
  );
  return { subscribe: shaped.subscribe, getSnapshot: shaped.getSnapshot };
}
