import type { Connection, SyncOutcome, Wake } from './device.ts';
import type { Exchange } from './exchange.ts';
import type { LiveStream } from './live-stream.ts';
import type { Clock, Random } from './ports.ts';
import type { SyncEvent, SyncState } from './sync-state.ts';
import { initialSyncState, LONGEST_ORDERED_PAUSE_MS, nextSyncState, SPREAD_MS } from './sync-state.ts';

export interface SyncLoop {
  readonly wake: (why: Wake) => void;
  readonly syncNow: (why: Wake) => Promise<SyncOutcome>;
  readonly live: (wanted: boolean) => void;
  readonly isLiveWanted: () => boolean;
  readonly connection: () => Connection;
  /** The last exchange failed because the local store has no room. */
  readonly isStorageFull: () => boolean;
  readonly close: () => void;
}

export interface SyncLoopOptions {
  readonly exchange: Exchange;
  readonly stream: LiveStream;
  readonly clock: Clock;
  readonly random: Random;
  /** ms; the last success in an earlier life. */
  readonly levelAt: number | undefined;
  readonly onChange: () => void;
}

/** Drives the states of `sync-state.ts`: exchanges, timers and the live stream follow from them, and nothing decides here. */
export function createSyncLoop({ exchange, stream, clock, random, levelAt, onChange }: SyncLoopOptions): SyncLoop {
  const waiters = new Set<(outcome: SyncOutcome) => void>();
  let state: SyncState = initialSyncState(levelAt);
  let cancelTimer: (() => void) | undefined;
  let liveWanted = false;
  let closed = false;
  let full = false;

  function dispatch(event: SyncEvent): void {
    if (closed) return;
    const next = nextSyncState(state, event);
    // A pause goes on as it was begun: measured anew by a wall clock that was set back, it could become a day.
    if (next === state) return;
    const before = state.phase;
    state = next;
    cancelTimer?.();
    cancelTimer = undefined;
    if (state.phase === 'waiting') cancelTimer = clock.after(pauseMs(state.dueAt, clock.now()), () => wake('retry'));
    if (state.phase === 'syncing' && (before !== 'syncing' || event.type === 'ended')) void exchangeOnce();
    else if (event.type === 'ended') settleWaiters();
    if (state.phase === 'idle' && liveWanted) stream.open();
    if (before !== state.phase || event.type === 'ended') onChange();
  }

  async function exchangeOnce(): Promise<void> {
    full = false;
    const outcome = await exchange.run().catch((error: unknown) => {
      // The local store failed under the exchange (full, closed): nothing was taken; later, perhaps.
      full = error instanceof Error && error.name === 'StorageFull';
      return { kind: 'later', retryAfterMs: undefined } as const;
    });
    dispatch({ type: 'ended', outcome, now: clock.now(), random: random() });
  }

  function settleWaiters(): void {
    const outcome = outcomeOf(state);
    for (const settle of waiters) settle(outcome);
    waiters.clear();
  }

  function wake(why: Wake): void {
    dispatch({ type: 'wake', why, now: clock.now(), random: random() });
  }

  return {
    wake,
    syncNow: (why) =>
      new Promise((resolve) => {
        waiters.add(resolve);
        wake(why);
        if (closed || state.phase !== 'syncing') settleWaiters();
      }),
    live(wanted) {
      if (wanted === liveWanted) return;
      liveWanted = wanted;
      if (!wanted) stream.close();
      else if (state.phase === 'idle') wake('live');
    },
    isLiveWanted: () => liveWanted && !closed,
    connection() {
      if (stream.isOpen() && state.phase === 'idle') return 'live';
      return state.phase === 'waiting' && state.unreachable ? 'offline' : state.phase;
    },
    isStorageFull: () => full,
    close() {
      settleWaiters();
      closed = true;
      cancelTimer?.();
      stream.close();
    },
  };
}

/** Never longer than a pause may be, also when the wall clock was set back meanwhile. */
function pauseMs(dueAt: number, now: number): number {
  return Math.min(Math.max(0, dueAt - now), LONGEST_ORDERED_PAUSE_MS + SPREAD_MS);
}

function outcomeOf({ phase, unreachable }: SyncState): SyncOutcome {
  switch (phase) {
    case 'idle':
      return 'level';
    case 'needs-auth':
    case 'needs-update':
      return phase;
    case 'syncing':
    case 'waiting':
      return unreachable ? 'offline' : 'waiting';
  }
}
