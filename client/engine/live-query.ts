import type { PageItem } from '../../core/protocol/page-messages.ts';
import { createWritable } from '../readable.ts';
import { byCreation } from './by-creation.ts';
import type { Readable } from '../readable.ts';
import type { PageEngine } from './page-engine.ts';

/** Above this many changed keys one read of the whole list is cheaper than a read of each. */
const READ_SINGLY_AT_MOST = 16;

type Dirty = Set<string> | 'all';
type Source = Pick<PageEngine, 'follow' | 'item' | 'items'>;

/**
 * The items under a prefix, kept current while somebody follows; undefined before the first read. A hint names keys, and
 * only those are read again; after a gap everything is (PAGE3). Items that did not change stay the same objects, and a read
 * that changed nothing tells nobody.
 */
export function createLiveList(source: Source, prefix: string): Readable<readonly PageItem[] | undefined> {
  const put = (previous: readonly PageItem[], keys: ReadonlySet<string>, read: readonly (PageItem | null)[]) => {
    const others = previous.filter(({ key }) => !keys.has(key));
    const present = read.filter((item): item is PageItem => item?.deleted === false);
    return reuse(previous, [...others, ...present].sort(byCreation));
  };
  return createLive(
    source,
    (key) => key.startsWith(prefix),
    async (previous: readonly PageItem[] | undefined, dirty) => {
      if (previous === undefined || dirty === 'all' || dirty.size > READ_SINGLY_AT_MOST) {
        return reuse(previous, await source.items(prefix));
      }
      return put(previous, dirty, await Promise.all([...dirty].map((key) => source.item(key))));
    },
    put,
  );
}

/** One item, kept current while somebody follows; undefined before the first read, null when there is none. */
export function createLiveItem(source: Source, key: string): Readable<PageItem | null | undefined> {
  const put = (previous: PageItem | null | undefined, _keys: unknown, [item]: readonly (PageItem | null)[]) => {
    if (!item || item.deleted) return null;
    return previous && isSame(previous, item) ? previous : item;
  };
  return createLive(
    source,
    (changed) => changed === key,
    async (previous: PageItem | null | undefined) => put(previous, null, [await source.item(key)]),
    put,
  );
}

function createLive<T>(
  source: Source,
  concerns: (key: string) => boolean,
  read: (previous: T | undefined, dirty: Dirty) => Promise<T>,
  put: (previous: T, keys: ReadonlySet<string>, items: readonly PageItem[]) => T,
): Readable<T | undefined> {
  let dirty: Dirty | undefined;
  let reading = false;
  const followers = { present: false };

  const live = createWritable<T | undefined>(undefined, () => {
    followers.present = true;
    const stop = source.follow(({ keys, items }) => {
      if (keys === 'all') return mark(keys);
      const changed = keys.filter(concerns);
      const shown = live.getSnapshot();
      // What is being read may be older or newer than these items: then they are read again.
      if (items === undefined || shown === undefined || reading || dirty !== undefined) return mark(changed);
      if (changed.length > 0) live.set(put(shown, new Set(changed), items.filter(({ key }) => concerns(key))));
    });
    mark('all');
    return () => {
      followers.present = false;
      stop();
    };
  });

  const mark = (keys: readonly string[] | 'all'): void => {
    if (keys === 'all' || dirty === 'all') dirty = 'all';
    else if (keys.length > 0) dirty = new Set([...(dirty ?? []), ...keys]);
    void refresh();
  };
  // One read at a time: what changes meanwhile is read in the next turn, however many hints there were.
  const refresh = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    while (dirty !== undefined && followers.present) {
      const wanted = dirty;
      dirty = undefined;
      try {
        live.set(await read(live.getSnapshot(), wanted));
      } catch {
        // What was shown stays. The next hint, focus or visibility reads all of it again.
        dirty = 'all';
        break;
      }
    }
    reading = false;
  };
  return live;
}

function reuse(previous: readonly PageItem[] | undefined, next: readonly PageItem[]): readonly PageItem[] {
  if (previous === undefined) return next;
  const byKey = new Map(previous.map((item) => [item.key, item]));
  const reused = next.map((item) => {
    const known = byKey.get(item.key);
    return known !== undefined && isSame(known, item) ? known : item;
  });
  const same = reused.length === previous.length && reused.every((item, index) => item === previous[index]);
  return same ? previous : reused;
}

/** Ids name the bytes of versions: where they agree, the values do. Items without (a server's list) are compared as objects. */
function isSame(a: PageItem, b: PageItem): boolean {
  if (a === b || a.ids.length === 0) return a === b;
  return (
    a.unsent === b.unsent &&
    a.conflict === b.conflict &&
    a.incomplete === b.incomplete &&
    a.ids.length === b.ids.length &&
    a.ids.every((id, index) => id === b.ids[index])
  );
}
