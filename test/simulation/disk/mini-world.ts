import type { DiskWorld } from './lane.ts';

interface Event {
  readonly time: number;
  readonly task: () => void;
}

const realSetImmediate = setImmediate;

/**
 * Virtual time for tests of a disk alone, whose users await real promises: the next event comes in Node's next turn, and the
 * time is its time.
 */
export function createMiniWorld(): DiskWorld & { readonly pass: (ms: number) => Promise<void> } {
  let now = 0;
  let events: Event[] = [];

  function turn(): void {
    const next = events.shift();
    if (next === undefined) return;
    now = Math.max(now, next.time);
    if (events.length > 0) realSetImmediate(turn);
    next.task();
  }

  function after(delayMs: number, _label: string, task: () => void): () => void {
    const event = { time: now + delayMs, task };
    const at = events.findIndex(({ time }) => time > event.time);
    events.splice(at === -1 ? events.length : at, 0, event);
    if (events.length === 1) realSetImmediate(turn);
    return () => {
      events = events.filter((other) => other !== event);
    };
  }

  return {
    now: () => now,
    after,
    pass: (ms) => new Promise((resolve) => void after(ms, 'pass', resolve)),
  };
}
