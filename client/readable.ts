/**
 * A value that changes and can be followed. `subscribe` follows Svelte's store contract: it calls `fn` at once with the
 * present value, and again after each change; the function that it returns ends that. The two together are what React's
 * `useSyncExternalStore(readable.subscribe, readable.getSnapshot)` takes: both are bound, `getSnapshot` gives the same
 * object until the value changes (PAGE4).
 */
export interface Readable<T> {
  readonly subscribe: (fn: (value: T) => void) => () => void;
  readonly getSnapshot: () => T;
}

export interface Writable<T> extends Readable<T> {
  readonly set: (value: T) => void;
}

/** `onFollowed` runs when the first follower comes, what it returns when the last one is gone. */
export function createWritable<T>(initial: T, onFollowed?: () => () => void): Writable<T> {
  const followers = new Set<{ readonly fn: (value: T) => void }>();
  let value = initial;
  let stop: (() => void) | undefined;
  return {
    getSnapshot: () => value,
    set(next) {
      if (Object.is(value, next)) return;
      value = next;
      // A follower may come or go while others are told: those who were here at the change are told of it.
      for (const follower of Array.from(followers)) if (followers.has(follower)) follower.fn(value);
    },
    subscribe(fn) {
      // Wrapped, so that one function that subscribed twice is two followers.
      const follower = { fn };
      followers.add(follower);
      if (followers.size === 1) stop = onFollowed?.();
      fn(value);
      return () => {
        if (followers.delete(follower) && followers.size === 0) stop?.();
      };
    },
  };
}
