import type { Wake } from './device.ts';

/** First pause after a failure, ms; doubles with each, with full jitter (SYNC7). */
export const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 300_000;
/** Nor is a server obeyed for longer than this; timers of 2^31 ms and more would fire at once. */
export const LONGEST_ORDERED_PAUSE_MS = 86_400_000;
/** A crowd that comes back online together is spread over so long (SYNC7). */
export const SPREAD_MS = 2_000;
export const LONG_ABSENCE_MS = 3_600_000;

/** How one exchange with the server ended, as the loop has to know it. */
export type ExchangeOutcome =
  | { readonly kind: 'level' }
  /** No answer, or none of ours: a captive portal, a proxy, an empty 200. Nothing counts as sent. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'later'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'needs-auth' }
  | { readonly kind: 'needs-update' };

/**
 * The loop's state (SYNC7):
 *
 *   idle ── wake ──▶ syncing ── level ──▶ idle
 *                     │  ▲
 *    unreachable,later│  │ due, or a wake that may cut the pause short (one of before counts, too, unless it is ordered)
 *                     ▼  │
 *                   waiting            needs-auth, needs-update: until signed in, or started anew
 */
export interface SyncState {
  readonly phase: 'idle' | 'syncing' | 'waiting' | 'needs-auth' | 'needs-update';
  /** Something happened while syncing that another exchange has to take along. */
  readonly again: boolean;
  /** Somebody signed in or asked while syncing: an exchange that was not let in is tried once more. */
  readonly asked: boolean;
  /** A person or the network came back while syncing: an exchange that fails is tried once more, without a pause. */
  readonly cutsPause: boolean;
  /** Failures since the last success. */
  readonly failures: number;
  /** ms; when the pause ends. */
  readonly dueAt: number;
  /** The server itself asked for the pause: nothing cuts it short. */
  readonly ordered: boolean;
  /** The last answer was none. */
  readonly unreachable: boolean;
  /** ms; the last success. */
  readonly levelAt: number | undefined;
}

export type SyncEvent =
  | { readonly type: 'wake'; readonly why: Wake; readonly now: number; readonly random: number }
  | { readonly type: 'ended'; readonly outcome: ExchangeOutcome; readonly now: number; readonly random: number };

export function initialSyncState(levelAt: number | undefined): SyncState {
  return { phase: 'idle', again: false, asked: false, cutsPause: false, failures: 0, dueAt: 0, ordered: false, unreachable: false, levelAt };
}

/** Wakes that stand for a person or a changed world, and so end a pause that the device chose itself. */
const CUTS_PAUSE: ReadonlySet<Wake> = new Set(['start', 'focus', 'visible', 'online', 'call', 'push', 'background-sync', 'signed-in', 'live']);
const CUTS_NEEDS_AUTH: ReadonlySet<Wake> = new Set(['signed-in', 'start', 'call']);
/** Wakes that a whole crowd of devices gets at one moment. */
const CROWD: ReadonlySet<Wake> = new Set(['online', 'periodic']);

export function nextSyncState(state: SyncState, event: SyncEvent): SyncState {
  return event.type === 'wake' ? afterWake(state, event.why, event.now, event.random) : afterExchange(state, event);
}

function afterWake(state: SyncState, why: Wake, now: number, random: number): SyncState {
  switch (state.phase) {
    case 'syncing':
      return {
        ...state,
        again: true,
        asked: state.asked || CUTS_NEEDS_AUTH.has(why),
        cutsPause: state.cutsPause || CUTS_PAUSE.has(why),
      };
    case 'needs-update':
      return why === 'start' ? syncing(state) : state;
    case 'needs-auth':
      return CUTS_NEEDS_AUTH.has(why) ? syncing(state) : state;
    case 'waiting':
      // A timer measures time, where the wall clock may have been set back.
      if (now >= state.dueAt || why === 'retry') return syncing(state);
      return !state.ordered && CUTS_PAUSE.has(why) ? syncing(state) : state;
    case 'idle': {
      const absentLong = state.levelAt !== undefined && now - state.levelAt > LONG_ABSENCE_MS;
      if (!CROWD.has(why) || !absentLong) return syncing(state);
      return { ...state, phase: 'waiting', dueAt: now + random * SPREAD_MS, ordered: false };
    }
  }
}

function syncing(state: SyncState): SyncState {
  return { ...state, phase: 'syncing', again: false, asked: false, cutsPause: false };
}

function afterExchange(state: SyncState, { outcome, now, random }: Extract<SyncEvent, { type: 'ended' }>): SyncState {
  switch (outcome.kind) {
    case 'level': {
      const level = { ...state, failures: 0, ordered: false, unreachable: false, levelAt: now };
      return state.again ? syncing(level) : { ...level, phase: 'idle' };
    }
    case 'needs-auth':
      if (state.asked) return syncing(state);
      return { ...state, phase: 'needs-auth', again: false, unreachable: false };
    case 'needs-update':
      return { ...state, phase: outcome.kind, again: false, unreachable: false };
    case 'unreachable':
    case 'later': {
      const failures = state.failures + 1;
      const asked = outcome.kind === 'later' ? outcome.retryAfterMs : undefined;
      // `Retry-After: 0`, as proxies say it, asks for no pause: then the device's own is kept.
      const ordered = asked ? Math.min(asked, LONGEST_ORDERED_PAUSE_MS) : undefined;
      const pause = random * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
      // What the server asked for is the least; jitter comes on top, so that not all come back at once.
      const dueAt = now + (ordered === undefined ? pause : ordered + random * Math.min(ordered, SPREAD_MS));
      const unreachable = outcome.kind === 'unreachable';
      // The exchange may have failed before that wake, and its cause be gone: as if it had come just after.
      if (state.cutsPause && ordered === undefined) return syncing({ ...state, failures, ordered: false, unreachable });
      return { ...state, phase: 'waiting', again: false, failures, dueAt, ordered: ordered !== undefined, unreachable };
    }
  }
}
