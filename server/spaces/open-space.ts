import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { toBase64Url } from '../../core/log/bytes.ts';
import type { Bytes } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import type { ServingLogStore } from '../../core/log/log-store.ts';
import { hashSpace } from '../../core/log/signature.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { createReplica } from '../../core/engine/create-replica.ts';
import type { EnginePorts, WriterKeys } from '../../core/engine/ports.ts';
import type { Replica } from '../../core/engine/replica.ts';
import { createTurns } from '../../core/engine/turns.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import type { WriterSeeds } from '../crypto/writer-seeds.ts';
import type { Log } from '../log.ts';
import type { AuthorityKeys } from './authority-keys.ts';
import { openAuthorityKeys } from './authority-keys.ts';
import type { Canary, Mark } from './canary.ts';
import { createCanary, readMark } from './canary.ts';
import type { Files } from './files.ts';
import { stateForks } from './state-forks.ts';

/** The account that the server's own logs are opened for. */
export const SERVER_ACCOUNT = 'server';

/** A device that claims to know more than this store may be right (a restored backup) or not: it is believed this often. */
const NEW_EPOCH_INTERVAL_MS = 600_000;
const EPOCH = 'epoch';

/** One space at the server, with what a restart must find again. */
export interface OpenSpace {
  readonly name: string;
  readonly hash: Bytes;
  readonly replica: Replica;
  readonly store: ServingLogStore;
  /** The store's random id: changes when the store lost what it once acknowledged. */
  readonly epoch: () => string;
  /** The server's own logs here, past ones included. */
  readonly authorities: () => readonly LogName[];
  /** One body at a time: deciding about runs and taking them is one step. */
  readonly exclusive: <T>(body: () => Promise<T>) => Promise<T>;
  /** To be awaited before anything is appended to the own log: what a log says counts only once it is an authority. */
  readonly prepareOwnLog: () => Promise<void>;
  /** To be awaited before own entries leave the server (SYNC4). */
  readonly cover: () => Promise<void>;
  /**
   * Takes a new epoch and a new own log. On a mere claim (a cursor from another history) not more often than every 10
   * minutes; whether it did.
   */
  readonly startAnew: (why: string, evidence: 'claimed' | 'proven') => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface OpenSpaceOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly files: Files;
  readonly seeds: WriterSeeds;
  readonly store: ServingLogStore;
  readonly viewStore: ViewStore;
  /** The epoch of spaces that were never restored. */
  readonly baseEpoch: string;
  readonly createPorts: (writerKeys: WriterKeys) => EnginePorts;
  readonly log: Log;
}

export async function openSpace(options: OpenSpaceOptions): Promise<OpenSpace> {
  const { name, dataDir, files, store, viewStore, log } = options;
  const file = `${createHash('sha256').update(name).digest('base64url')}.json`;
  const keys = await openAuthorityKeys(join(dataDir, 'authority', file), files, options.seeds);
  const ports = options.createPorts(keys);
  const hash = await hashSpace(ports.crypto, name);
  const canaryPath = join(dataDir, 'canary', file);
  const canary = createCanary(canaryPath, files, log);
  let epoch = (await store.value(EPOCH)) ?? options.baseEpoch;
  if (await isOlderThanMarked(await readMark(canaryPath, files), store, epoch)) {
    epoch = await changeEpoch(store, ports.crypto);
    await keys.replace();
    log.warn(
      { space: name, epoch },
      'the database is older than the canary file: a restored backup; new epoch, new own log',
    );
  } else if (await isOwnLogGone(keys, store)) {
    await keys.replace();
  }
  const replica = await createReplica({
    space: name,
    account: SERVER_ACCOUNT,
    device: SERVER_ACCOUNT,
    store,
    viewStore,
    ports,
    mergeDurability: 'strict',
    mends: false,
  });
  await replica.setAuthorities(keys.logs());
  const space = serveSpace(options, { ports, hash, keys, canary, replica, epoch });
  await stateForks(space);
  return space;
}

interface Opened {
  readonly ports: EnginePorts;
  readonly hash: Bytes;
  readonly keys: AuthorityKeys;
  readonly canary: Canary;
  readonly replica: Replica;
  readonly epoch: string;
}

function serveSpace({ name, store, log }: OpenSpaceOptions, opened: Opened): OpenSpace {
  const { ports, hash, keys, canary, replica } = opened;
  let epoch = opened.epoch;
  let lastNewEpochMs = Number.NEGATIVE_INFINITY;

  async function cover(): Promise<void> {
    const own = replica.ownLog();
    const head = own === undefined ? undefined : await store.head(own);
    const position = await store.position();
    if (position === 0) return;
    await canary.cover({ epoch, position, own: head && { log: head.log, sequence: head.sequence } });
  }

  async function prepareOwnLog(): Promise<void> {
    await keys.prepare();
    await replica.setAuthorities(keys.logs());
  }

  async function startAnew(why: string, evidence: 'claimed' | 'proven'): Promise<boolean> {
    if (evidence === 'claimed' && ports.clock.now() - lastNewEpochMs < NEW_EPOCH_INTERVAL_MS) return false;
    lastNewEpochMs = ports.clock.now();
    epoch = await changeEpoch(store, ports.crypto);
    // Nothing of the old own log is appended again: what it said stays true, it is only never extended.
    await replica.rotate('restored', Number.MAX_SAFE_INTEGER);
    await replica.setAuthorities(keys.logs());
    await cover();
    log.warn({ space: name, epoch }, `new epoch and new own log: ${why}`);
    return true;
  }

  return {
    name,
    hash,
    replica,
    store,
    epoch: () => epoch,
    authorities: () => keys.logs(),
    exclusive: createTurns(),
    prepareOwnLog,
    cover,
    startAnew,
    async close() {
      await cover();
      await canary.close();
      await replica.close();
    },
  };
}

/** Whether the canary file knows of more than the store: the database is a restored backup, or gone. */
async function isOlderThanMarked(mark: Mark | undefined, store: ServingLogStore, epoch: string): Promise<boolean> {
  if (mark === undefined) return false;
  const own = mark.own === undefined ? undefined : await store.head(mark.own.log);
  const ownIsWhole = mark.own === undefined || (own?.sequence ?? -1) >= mark.own.sequence;
  return mark.epoch !== epoch || (await store.position()) < mark.position || !ownIsWhole;
}

/** Whether there is a key whose log is not in the store: nobody can tell how far it went, so it is never used again. */
async function isOwnLogGone(keys: AuthorityKeys, store: ServingLogStore): Promise<boolean> {
  const own = (await keys.current()) === undefined ? undefined : keys.logs().at(-1);
  return own !== undefined && (await store.head(own)) === undefined;
}

async function changeEpoch(store: ServingLogStore, crypto: Crypto): Promise<string> {
  const epoch = newEpoch(crypto);
  await store.putValues({ [EPOCH]: epoch });
  return epoch;
}

/** 16 random bytes, base64url. */
export function newEpoch(crypto: Crypto): string {
  return toBase64Url(crypto.randomBytes(16));
}
