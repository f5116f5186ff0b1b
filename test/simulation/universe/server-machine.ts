import { watchAnswers } from '../checks/watch-answers.ts';
import type { Validate } from '../../../server/sync/validator.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import type { SimNetwork } from '../network/network.ts';
import type { PushService } from '../network/push-service.ts';
import type { DiskBackup, ServerDisk } from '../server/server-disk.ts';
import { createServerDisk } from '../server/server-disk.ts';
import { createSimServer } from '../server/sim-server.ts';
import type { SimRandom } from '../world/random.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { World } from '../world/world.ts';
import { EPOCH_MS } from '../world/world.ts';

/** The site's server: one machine, its disk, and whoever restarts and restores it. */
export interface ServerMachine {
  readonly disk: ServerDisk;
  readonly clock: { offsetMs: number };
  readonly isRunning: () => boolean;
  readonly start: () => void;
  readonly kill: () => void;
  /** Requests and disk wait for so long, virtual ms. */
  readonly stall: (forMs: number) => void;
  readonly endStalls: () => void;
  /** Whether the app lets anybody write. */
  readonly allowWrites: (on: boolean) => void;
  /** Puts a backup aside: the database, and not the files that lie beside it. */
  readonly save: () => void;
  /** Puts the last backup in place, if there is one. Its program has to be dead. */
  readonly restore: () => void;
  /** The epoch of a space's store as it is now; undefined while a restored one has not noticed yet that it is old. */
  readonly epochOf: (space: string) => string | undefined;
  /** For checkers, when no program runs: a way to a space's stores, and the logs that are authorities there. */
  readonly inspect: (space: string) => { readonly rows: RowStore; readonly views: ViewStore; readonly authorities: readonly LogName[] };
}

export interface ServerMachineOptions {
  readonly world: World;
  readonly network: SimNetwork;
  readonly push: PushService;
  readonly origin: string;
  readonly random: SimRandom;
  readonly cryptography: SimCrypto;
  readonly validate: Validate | undefined;
}

export function createServerMachine({ world, network, push, origin, random, cryptography, validate }: ServerMachineOptions): ServerMachine {
  const disk = createServerDisk(world, random.fork('disk'));
  const clock = { offsetMs: 0 };
  let backup: DiskBackup | undefined;
  /** Epochs that a restored database still has, and that its server will leave as soon as it opens the space. */
  const stale = new Map<string, string>();
  /** The same of spaces that it does not have any more. */
  let staleBase: string | undefined;
  const storedEpoch = (space: string): string | undefined => disk.rows(space).values.get('value:epoch') ?? disk.baseEpoch();
  const stalls = new Set<() => void>();
  let mayWrite = true;
  const server = createSimServer({
    world,
    name: 'server',
    origin,
    disk,
    crypto: cryptography,
    clock: () => EPOCH_MS + world.now() + clock.offsetMs,
    postPush: push.post,
    authorize: (account) => ({ account, read: () => true, write: () => mayWrite }),
    onStart: (process) => network.serve(origin, process, watched.handle),
    ...(validate === undefined ? {} : { validate }),
  });
  const watched = watchAnswers(server.handle, disk, world);
  return {
    disk,
    clock,
    isRunning: server.isRunning,
    start: server.start,
    kill: server.kill,
    stall(forMs) {
      const release = server.stall();
      stalls.add(release);
      world.after(forMs, 'server goes on', () => {
        stalls.delete(release);
        release();
      });
    },
    endStalls() {
      for (const release of stalls) release();
      stalls.clear();
    },
    allowWrites(on) {
      mayWrite = on;
    },
    save() {
      backup = server.backUp();
    },
    restore() {
      if (backup === undefined) return;
      watched.noteRestore();
      server.restoreBackup(backup, 'kept');
      staleBase = disk.baseEpoch();
      for (const space of disk.spaceNames()) stale.set(space, storedEpoch(space) ?? '');
    },
    epochOf(space) {
      const epoch = storedEpoch(space);
      return epoch === (stale.get(space) ?? staleBase) ? undefined : epoch;
    },
    inspect(space) {
      const { rows, views } = disk.connect().database.space(space);
      const names = JSON.parse(disk.rows(space).values.get('value:authorities') ?? '[]') as LogName[];
      return { rows, views, authorities: names };
    },
  };
}
