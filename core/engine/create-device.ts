import type { Json } from '../log/body.ts';
import { partsToBody } from '../log/body.ts';
import { toBase64Url } from '../log/bytes.ts';
import { KIND } from '../log/header.ts';
import { chainIds } from '../log/run-verify.ts';
import type { Crypto } from '../log/crypto.ts';
import type { Run } from '../log/run.ts';
import { lastSequence } from '../log/run.ts';
import type { Connection, Device, DeviceStatus, SyncOutcome, Verdict, Wake } from './device.ts';
import { createExchange, readMemory } from './exchange.ts';
import { createLiveStream } from './live-stream.ts';
import type { Clock, Random, Transport } from './ports.ts';
import type { Appended, Replica } from './replica.ts';
import type { SyncEvent, SyncState } from './sync-state.ts';
import { initialSyncState, nextSyncState } from './sync-state.ts';

export interface DeviceOptions {
  readonly replica: Replica;
  /** The device's name, made once and kept. */
  readonly name: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  /** Whether the browser may delete the database without asking. */
  readonly isEvictable?: () => boolean;
}

/** How long a live stream that ended stays closed at least, ms. */
const LIVE_PAUSE_MS = 1_000;

export async function createDevice({ replica, name, transport, clock, random, crypto, isEvictable }: DeviceOptions): Promise<Device> {
  const exchange = createExchange({ replica, device: name, transport });
  const listeners = new Set<() => void>();
  const levelWaiters = new Set<(outcome: SyncOutcome) => void>();
  let state: SyncState = initialSyncState((await readMemory(replica.store)).syncedAt);
  let cancelTimer: (() => void) | undefined;
  let liveWanted = false;
  let closed = false;
  let full = false;

  const stream = createLiveStream({
    replica,
    device: name,
    transport,
    exchange,
    onChange: changed,
    onEnd(pauseMs) {
      if (!liveWanted || closed) return;
      // A round finds out why, and opens the stream again when all is well.
      clock.after(pauseMs ?? LIVE_PAUSE_MS, () => wake('live'));
    },
  });

  function changed(): void {
    for (const listener of listeners) listener();
  }

  function dispatch(event: SyncEvent): void {
    if (closed) return;
    const before = state;
    state = nextSyncState(state, event);
    const starts = state.phase === 'syncing' && (before.phase !== 'syncing' || event.type === 'ended');
    cancelTimer?.();
    cancelTimer = undefined;
    if (starts) void runExchange();
    if (state.phase === 'waiting') cancelTimer = clock.after(Math.max(0, state.dueAt - clock.now()), () => wake('retry'));
    if (event.type === 'ended' && !starts) settleWaiters();
    if (state.phase === 'idle' && liveWanted) stream.open();
    if (before.phase !== state.phase) changed();
  }

  async function runExchange(): Promise<void> {
    let outcome;
    try {
      outcome = await exchange.run();
    } catch (error) {
      // The store failed under the exchange (full, closed): nothing was taken; try again later.
      full = error instanceof Error && error.name === 'StorageFull';
      outcome = { kind: 'later', retryAfterMs: undefined } as const;
    }
    dispatch({ type: 'ended', outcome, now: clock.now(), random: random() });
    changed();
  }

  function settleWaiters(): void {
    const outcome = outcomeNow();
    for (const settle of levelWaiters) settle(outcome);
    levelWaiters.clear();
  }

  function outcomeNow(): SyncOutcome {
    if (state.phase === 'idle') return 'level';
    if (state.phase === 'waiting') return state.unreachable ? 'offline' : 'waiting';
    return state.phase === 'needs-auth' || state.phase === 'needs-update' ? state.phase : 'waiting';
  }

  function wake(why: Wake): void {
    dispatch({ type: 'wake', why, now: clock.now(), random: random() });
  }

  async function syncNow(why: Wake): Promise<SyncOutcome> {
    const ended = new Promise<SyncOutcome>((resolve) => levelWaiters.add(resolve));
    wake(why);
    if (state.phase !== 'syncing') settleWaiters();
    return ended;
  }

  function connection(): Connection {
    if (stream.isOpen() && state.phase === 'idle') return 'live';
    return state.phase === 'waiting' && state.unreachable ? 'offline' : state.phase;
  }

  async function status(): Promise<DeviceStatus> {
    const memory = await readMemory(replica.store);
    const ownBlocked = memory.blocked[replica.ownLog() ?? ''];
    const atRisk = full || ownBlocked === 'storage-full' ? 'full' : ownBlocked === 'fork' ? 'fork' : isEvictable?.() === true ? 'evictable' : undefined;
    const own = replica.ownLog();
    return {
      connection: connection(),
      unsent: await countUnsent(),
      refused: replica.view.refused().filter(({ log }) => log === own),
      conflicts: replica.view.conflicted().length,
      updatesReady: await replica.heldBack(),
      atRisk,
      updateNeeded: state.phase === 'needs-update',
      lastSynced: memory.syncedAt,
    };
  }

  async function countUnsent(): Promise<number> {
    const own = replica.ownLog();
    const head = own === undefined ? undefined : await replica.store.head(own);
    if (own === undefined || head === undefined) return 0;
    // The open entry is nothing that a person wrote.
    return head.sequence - Math.max((await readMemory(replica.store)).acknowledged.get(own) ?? 0, 0);
  }

  async function settled(id: string): Promise<Verdict> {
    const refusal = replica.view.refusal(id);
    if (refusal !== undefined) return { state: 'refused', code: refusal.code, reason: refusal.reason };
    const own = replica.ownLog();
    const head = own === undefined ? undefined : await replica.store.head(own);
    if (own === undefined || head === undefined) return { state: 'unknown' };
    const acknowledged = (await readMemory(replica.store)).acknowledged.get(own) ?? -1;
    const sequence = await findOwn(id, own, head.sequence);
    if (sequence === undefined) return { state: 'unknown' };
    return { state: sequence > acknowledged ? 'unsent' : 'accepted' };
  }

  /** There is no look-up by id: the own log is read, newest first. */
  async function findOwn(id: string, own: string, last: number): Promise<number | undefined> {
    for (let end = last; end >= 0; ) {
      const start = Math.max(0, end - 255);
      const runs = await replica.store.range(own, start, end);
      for (const run of runs) {
        const at = (await chainIds(crypto, run)).findIndex((entryId) => toBase64Url(entryId) === id);
        if (at >= 0) return run.first + at;
      }
      end = start - 1;
    }
    return undefined;
  }

  async function exportUnsent(): Promise<Json[]> {
    const own = replica.ownLog();
    const head = own === undefined ? undefined : await replica.store.head(own);
    if (own === undefined || head === undefined) return [];
    const first = ((await readMemory(replica.store)).acknowledged.get(own) ?? -1) + 1;
    const runs = first > head.sequence ? [] : await replica.store.range(own, first, head.sequence, Number.MAX_SAFE_INTEGER);
    return runs.flatMap((run) => run.entries.flatMap((_, i) => entryToExport(own, run, i)));
  }

  const unfollow = replica.follow(changed);

  return {
    replica,
    name,
    async append(drafts) {
      const appended: readonly Appended[] = await replica.append(drafts);
      full = false;
      wake('write');
      return appended;
    },
    status,
    followStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    settled,
    wake,
    syncNow,
    live(wanted) {
      if (wanted === liveWanted) return;
      liveWanted = wanted;
      if (!wanted) stream.close();
      else if (state.phase === 'idle') wake('live');
    },
    exportUnsent,
    async close() {
      closed = true;
      cancelTimer?.();
      stream.close();
      unfollow();
      for (const settle of levelWaiters) settle('waiting');
      await replica.close();
    },
  };
}

function entryToExport(log: string, run: Run, index: number): Json[] {
  const entry = run.entries[index];
  const sequence = run.first + index;
  if (entry?.kind !== KIND.data || entry.content.form !== 'body' || sequence > lastSequence(run)) return [];
  const body = partsToBody(entry.content.parts, sequence);
  if (body === undefined) return [];
  return [{ log, sequence, clock: entry.clock, writes: body.writes, ...(body.events === undefined ? {} : { events: body.events }) }];
}
