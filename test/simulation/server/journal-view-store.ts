import type { ViewStore } from '../../../core/views/view-store.ts';
import type { SpaceAccess, Undo } from './journal.ts';

/** One space's view rows, in the database of its log and with relaxed commits (VIEW2). */
export function createJournalViewStore({ read, write }: SpaceAccess): ViewStore {
  return {
    open: (view) =>
      read(({ views }) => {
        const stored = views.get(view);
        return stored && { checkpoint: stored.checkpoint, shards: [...stored.shards.keys()] };
      }),
    shards: (view, keys) => read(({ views }) => keys.map((key) => views.get(view)?.shards.get(key))),
    commit: (view, { expected, checkpoint, put, remove }) =>
      write('relaxed', ({ views }, undo) => {
        const stored = views.get(view);
        if (stored?.checkpoint !== expected) return false;
        const shards = stored?.shards ?? new Map<string, string>();
        for (const key of remove) set(shards, key, undefined, undo);
        for (const [key, text] of put) set(shards, key, text, undo);
        set(views, view, { checkpoint, shards }, undo);
        return true;
      }),
    drop: (view) => write('relaxed', ({ views }, undo) => set(views, view, undefined, undo)),
  };
}

function set<V>(map: Map<string, V>, key: string, value: V | undefined, undo: Undo[]): void {
  const before = map.get(key);
  undo.push(() => setOrDelete(map, key, before));
  setOrDelete(map, key, value);
}

function setOrDelete<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
