import { describe, expect, test } from 'vitest';
import { createSyncLoop } from '../../../core/engine/sync-loop.ts';
import type { ExchangeOutcome } from '../../../core/engine/sync-state.ts';

describe('sync loop', () => {
  test('SYNC7: a pause of any length that a server asks for is kept, with a timer that can wait so long', async () => {
    const delays: number[] = [];
    const outcomes: ExchangeOutcome[] = [{ kind: 'later', retryAfterMs: Number.MAX_SAFE_INTEGER }];
    const loop = createSyncLoop({
      exchange: { run: async () => outcomes.shift() ?? { kind: 'level' }, takeLive: async () => ({ kind: 'level' }) },
      stream: { open: () => undefined, close: () => undefined, isOpen: () => false },
      clock: { now: () => 1_000, after: (delayMs) => { delays.push(delayMs); return () => undefined; } },
      random: () => 0.5,
      levelAt: undefined,
      onChange: () => undefined,
    });
    expect(await loop.syncNow('call')).toBe('waiting');
    expect(delays.length).toBeGreaterThan(0);
    // A timer of 2^31 ms or more fires at once.
    for (const delay of delays) expect(delay).toBeLessThan(2 ** 31);
    loop.close();
    expect(await loop.syncNow('push')).toBeDefined();
  });

  test('SYNC7: a pause is as long as it was begun, though the wall clock is set back and things happen meanwhile', async () => {
    let now = 10_000_000;
    const pending = new Set<{ readonly delayMs: number }>();
    const outcomes: ExchangeOutcome[] = [{ kind: 'later', retryAfterMs: 30_000 }];
    const loop = createSyncLoop({
      exchange: { run: async () => outcomes.shift() ?? { kind: 'level' }, takeLive: async () => ({ kind: 'level' }) },
      stream: { open: () => undefined, close: () => undefined, isOpen: () => false },
      clock: {
        now: () => now,
        after(delayMs) {
          const timer = { delayMs };
          pending.add(timer);
          return () => pending.delete(timer);
        },
      },
      random: () => 0,
      levelAt: undefined,
      onChange: () => undefined,
    });
    expect(await loop.syncNow('call')).toBe('waiting');
    now -= 3_600_000;
    loop.wake('write');
    expect(await loop.syncNow('push')).toBe('waiting');
    expect([...pending]).toEqual([{ delayMs: 30_000 }]);
    loop.close();
  });
});
