import type { StoredView, ViewStore } from './view-store.ts';

/** The reference engine of view rows. Lives as long as the object. */
export function createMemoryViewStore(): ViewStore {
  const views = new Map<string, { checkpoint: string; readonly shards: Map<string, string> }>();
  return {
    open: async (view): Promise<StoredView | undefined> => {
      const stored = views.get(view);
      return stored && { checkpoint: stored.checkpoint, shards: [...stored.shards.keys()] };
    },
    shards: async (view, keys) => keys.map((key) => views.get(view)?.shards.get(key)),
    commit: async (view, { expected, checkpoint, put, remove }) => {
      const stored = views.get(view);
      if (stored?.checkpoint !== expected) return false;
      const shards = stored?.shards ?? new Map<string, string>();
      for (const key of remove) shards.delete(key);
      for (const [key, text] of put) shards.set(key, text);
      views.set(view, { checkpoint, shards });
      return true;
    },
    drop: async (view) => {
      views.delete(view);
    },
  };
}
