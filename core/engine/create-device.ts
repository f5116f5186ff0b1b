import { toBase64Url } from '../log/bytes.ts';
import type { Crypto } from '../log/crypto.ts';
import type { Device, DeviceStatus } from './device.ts';
import { createExchange } from './exchange.ts';
import { createLiveStream } from './live-stream.ts';
import { countUnsent, exportUnsent, ownLogs, verdictOf } from './own-entries.ts';
import { OWN_LOG } from './own-log.ts';
import type { Clock, Random, Transport } from './ports.ts';
import type { Replica } from './replica.ts';
import type { SyncLoop } from './sync-loop.ts';
import { createSyncLoop } from './sync-loop.ts';
import { readMemory } from './sync-memory.ts';
import { leaveLog } from './take-other-branch.ts';
import { tell } from './tell.ts';

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
const LIFE_BYTES = 9;
/** Doubled so often at most, while no stream gets through. */
const MOST_LIVE_DOUBLINGS = 6;

export async function createDevice(options: DeviceOptions): Promise<Device> {
  const { replica, name, transport, clock, random, crypto, isEvictable = () => false } = options;
  const listeners = new Set<() => void>();
  /** Live streams in a row that ended before their first frame. */
  let failedStreams = 0;
  const life = toBase64Url(crypto.randomBytes(LIFE_BYTES));
  const exchange = createExchange({ replica, device: name, life, transport, now: clock.now });
  const stream = createLiveStream({
    replica,
    device: name,
    life,
    transport,
    exchange,
    onChange,
    onEnd(pauseMs, wasUp) {
      failedStreams = wasUp ? 0 : failedStreams + 1;
      const pause = LIVE_PAUSE_MS * 2 ** Math.min(Math.max(failedStreams - 1, 0), MOST_LIVE_DOUBLINGS);
      // A round finds out why, and opens the stream again when all is well.
      if (loop.isLiveWanted()) clock.after(pauseMs || pause, () => loop.wake('live'));
    },
  });
  const { syncedAt, acknowledged } = await readMemory(replica.store);
  // Its key was lost, or is of no use any more. Or another context of the device has just begun the log.
  const lost = replica.ownLog() === undefined ? await replica.store.value(OWN_LOG) : undefined;
  if (lost !== undefined) await replica.catchUp();
  if (lost !== undefined && replica.ownLog() === undefined) {
    await leaveLog(replica, 'restored', lost, acknowledged.get(lost) ?? -1).catch(() => undefined);
  }
  const loop: SyncLoop = createSyncLoop({ exchange, stream, clock, random, levelAt: syncedAt, onChange });
  const unfollow = replica.follow(onChange);

  function onChange(): void {
    tell(listeners, undefined);
  }

  async function status(): Promise<DeviceStatus> {
    const [memory, unsent, logs, updatesReady, forks] = await Promise.all([
      readMemory(replica.store),
      countUnsent(replica),
      ownLogs(replica),
      replica.heldBack(),
      replica.forkedLogs(),
    ]);
    const connection = loop.connection();
    return {
      connection,
      unsent,
      refused: replica.view.refused().filter(({ log }) => logs.includes(log)),
      conflicts: replica.view.conflicted().length,
      updatesReady,
      atRisk: riskOf(),
      updateNeeded: connection === 'needs-update',
      lastSynced: memory.syncedAt,
      setback: memory.setback,
      forks,
    };
  }

  function riskOf(): DeviceStatus['atRisk'] {
    if (loop.isStorageFull()) return 'full';
    return isEvictable() ? 'evictable' : undefined;
  }

  return {
    replica,
    name,
    async append(drafts) {
      const appended = await replica.append(drafts);
      loop.wake('write');
      return appended;
    },
    status,
    followStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    settled: (id) => verdictOf(replica, crypto, id),
    wake: loop.wake,
    syncNow: loop.syncNow,
    live: loop.live,
    exportUnsent: () => exportUnsent(replica),
    async close() {
      loop.close();
      unfollow();
      await replica.close();
    },
  };
}
