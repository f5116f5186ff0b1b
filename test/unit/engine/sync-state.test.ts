import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Wake } from '../../../core/engine/device.ts';
import type { ExchangeOutcome, SyncState } from '../../../core/engine/sync-state.ts';
import { initialSyncState, LONG_ABSENCE_MS, LONGEST_PAUSE_MS, nextSyncState, SPREAD_MS } from '../../../core/engine/sync-state.ts';

const now = 1_800_000_000_000;
const wake = (state: SyncState, why: Wake, at = now, random = 0.5): SyncState => nextSyncState(state, { type: 'wake', why, now: at, random });
const ended = (state: SyncState, outcome: ExchangeOutcome, random = 0.5): SyncState => nextSyncState(state, { type: 'ended', outcome, now, random });
const syncing = wake(initialSyncState(undefined), 'write');

const wakes = fc.constantFrom<Wake>('write', 'live', 'background-sync', 'push', 'start', 'focus', 'visible', 'online', 'periodic', 'call', 'retry', 'signed-in');
const outcomes = fc.oneof(
  fc.constantFrom<ExchangeOutcome>({ kind: 'level' }, { kind: 'unreachable' }, { kind: 'needs-auth' }, { kind: 'needs-update' }),
  fc.record({ kind: fc.constant('later' as const), retryAfterMs: fc.option(fc.nat(1_000_000), { nil: undefined }) }),
);

describe('sync state', () => {
  test('SYNC7: what happens while an exchange runs makes one more, and no more', () => {
    const twice = wake(wake(syncing, 'write'), 'write');
    expect(twice.phase).toBe('syncing');
    const again = ended(twice, { kind: 'level' });
    expect(again.phase).toBe('syncing');
    expect(ended(again, { kind: 'level' }).phase).toBe('idle');
  });

  test('SYNC7: failures back off with full jitter, doubling, up to five minutes', () => {
    let state = syncing;
    const pauses: number[] = [];
    for (let i = 0; i < 14; i++) {
      state = ended(state, { kind: 'unreachable' }, 0.999_999);
      pauses.push(Math.round((state.dueAt - now) / 1000));
      state = wake(state, 'retry', state.dueAt);
    }
    expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(Math.max(...pauses) * 1000).toBe(LONGEST_PAUSE_MS);
    expect(ended(syncing, { kind: 'unreachable' }, 0).dueAt).toBe(now);
  });

  test('SYNC7: a pause that the server asked for is never cut short, one of our own is, by people and the network', () => {
    const ordered = ended(syncing, { kind: 'later', retryAfterMs: 60_000 });
    expect(ordered.dueAt).toBeGreaterThanOrEqual(now + 60_000);
    const own = ended(syncing, { kind: 'unreachable' });
    for (const why of ['focus', 'online', 'call', 'push', 'background-sync'] as const) {
      expect(wake(ordered, why).phase).toBe('waiting');
      expect(wake(own, why).phase).toBe('syncing');
    }
    expect(wake(own, 'write').phase).toBe('waiting');
    expect(wake(ordered, 'retry', ordered.dueAt).phase).toBe('syncing');
  });

  test('SYNC7: a server that asks for a pause of no length is backed off from all the same', () => {
    let state = syncing;
    for (let i = 0; i < 5; i++) state = wake(ended(state, { kind: 'later', retryAfterMs: 0 }), 'retry');
    const paused = ended(state, { kind: 'later', retryAfterMs: 0 });
    expect(paused.dueAt).toBe(now + 16_000);
    expect(wake(paused, 'focus').phase).toBe('syncing');
  });

  test('SYNC7: without authentication nothing is tried until somebody signed in or asked', () => {
    const state = ended(syncing, { kind: 'needs-auth' });
    for (const why of ['write', 'focus', 'online', 'push', 'periodic', 'retry'] as const) expect(wake(state, why).phase).toBe('needs-auth');
    expect(wake(state, 'signed-in').phase).toBe('syncing');
  });

  test('SYNC7: a sign-in while an exchange is being refused is not lost: one more is tried, and no more', () => {
    for (const why of ['signed-in', 'start', 'call'] as const) {
      const again = ended(wake(syncing, why), { kind: 'needs-auth' });
      expect(again.phase).toBe('syncing');
      expect(ended(again, { kind: 'needs-auth' }).phase).toBe('needs-auth');
    }
    expect(ended(wake(syncing, 'write'), { kind: 'needs-auth' }).phase).toBe('needs-auth');
  });

  test('SYNC7: a person or the network that comes back while an exchange goes unanswered is not lost: one more is tried, and no more', () => {
    for (const why of ['online', 'focus', 'visible', 'push', 'background-sync', 'call', 'start', 'signed-in', 'live'] as const) {
      for (const outcome of [{ kind: 'unreachable' }, { kind: 'later', retryAfterMs: undefined }] as const) {
        const again = ended(wake(wake(syncing, why), 'write'), outcome);
        expect(again).toMatchObject({ phase: 'syncing', failures: 1 });
        expect(ended(again, outcome)).toMatchObject({ phase: 'waiting', failures: 2 });
        expect(ended(again, { kind: 'level' })).toMatchObject({ phase: 'idle', failures: 0 });
      }
    }
    for (const why of ['write', 'periodic', 'retry'] as const) expect(ended(wake(syncing, why), { kind: 'unreachable' }).phase).toBe('waiting');
  });

  test('SYNC7: no wake, during an exchange or after it, cuts a pause short that the server asked for', () => {
    const ordered = ended(wake(syncing, 'online'), { kind: 'later', retryAfterMs: 60_000 });
    expect(ordered).toMatchObject({ phase: 'waiting', ordered: true });
    expect(wake(ordered, 'online').phase).toBe('waiting');
    // Nor is a wake of before the pause remembered beyond it.
    const late = wake(ordered, 'retry', ordered.dueAt);
    expect(ended(late, { kind: 'unreachable' }).phase).toBe('waiting');
  });

  test('SYNC7: a wake in an exchange that makes another one is answered by that one', () => {
    const next = ended(wake(syncing, 'online'), { kind: 'level' });
    expect(next.phase).toBe('syncing');
    expect(ended(next, { kind: 'unreachable' }).phase).toBe('waiting');
  });

  test('SYNC7: a crowd that comes back online after long absence is spread; a write goes at once (S2.10)', () => {
    const absent = initialSyncState(now - LONG_ABSENCE_MS - 1);
    const spread = wake(absent, 'online', now, 0.5);
    expect(spread).toMatchObject({ phase: 'waiting', dueAt: now + SPREAD_MS / 2 });
    expect(wake(absent, 'write').phase).toBe('syncing');
    expect(wake(initialSyncState(now - 1000), 'online').phase).toBe('syncing');
  });

  test('SYNC7: from any state, a level exchange ends all pauses, and no event is lost for ever', () => {
    const event = fc.oneof(wakes.map((why) => ({ why })), outcomes.map((outcome) => ({ outcome })));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let state = initialSyncState(undefined);
        for (const one of events) {
          if ('why' in one) state = wake(state, one.why);
          else if (state.phase === 'syncing') state = ended(state, one.outcome);
          if (state.phase === 'waiting') expect(state.dueAt - now).toBeLessThan(1_000_000 + LONGEST_PAUSE_MS);
        }
        const started = state.phase === 'waiting' ? wake(state, 'retry', state.dueAt) : wake(state, 'start');
        expect(started.phase).toBe('syncing');
        expect(ended({ ...started, again: false }, { kind: 'level' })).toMatchObject({ phase: 'idle', failures: 0, unreachable: false });
      }),
    );
  });
});
