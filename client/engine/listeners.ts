export interface Listeners<Told> {
  readonly follow: (listener: (told: Told) => void) => () => void;
  readonly tell: (told: Told) => void;
  readonly count: () => number;
}

export function createListeners<Told>(): Listeners<Told> {
  const listeners = new Set<{ readonly listener: (told: Told) => void }>();
  return {
    follow(listener) {
      // Wrapped, so that one function that follows twice is told twice.
      const wrapped = { listener };
      listeners.add(wrapped);
      return () => listeners.delete(wrapped);
    },
    tell(told) {
      for (const { listener } of listeners) listener(told);
    },
    count: () => listeners.size,
  };
}
