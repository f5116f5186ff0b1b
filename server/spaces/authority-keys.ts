import { fromBase64Url, toBase64Url } from '../../core/log/bytes.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { logKey, logName } from '../../core/log/version-vector.ts';
import type { WriterKey } from '../../core/log/crypto.ts';
import type { WriterKeys } from '../../core/engine/ports.ts';
import { createTurns } from '../../core/engine/turns.ts';
import type { WriterSeeds } from '../crypto/writer-seeds.ts';
import type { Files } from './files.ts';

/** The private key of the server's own log in one space, and the names of all its logs there, past ones included. */
export interface AuthorityKeys extends WriterKeys {
  /** Makes a key where there is none yet; of many calls at once the first makes it. */
  readonly prepare: () => Promise<void>;
  /** Every log that this server ever opened here: the set whose statements count. */
  readonly logs: () => readonly LogName[];
}

interface Stored {
  readonly seed: string;
  readonly logs: readonly LogName[];
}

/** Opens the key file of a space (mode 0600). Without one there is no key until the first `replace`. */
export async function openAuthorityKeys(path: string, files: Files, seeds: WriterSeeds): Promise<AuthorityKeys> {
  const text = await files.readIfAny(path);
  let stored = text === undefined ? undefined : parseStored(path, text);
  let key = stored === undefined ? undefined : seeds.toKey(requiredSeed(path, stored.seed));

  // One change at a time: each takes over the logs of the one before, and a log that is missing is an authority no more.
  const turns = createTurns();

  async function replace(): Promise<WriterKey> {
    const seed = seeds.generate();
    const fresh = seeds.toKey(seed);
    const next: Stored = { seed: toBase64Url(seed), logs: [...(stored?.logs ?? []), logName(fresh.publicKey)] };
    await files.writeAtomically(path, JSON.stringify(next));
    [stored, key] = [next, fresh];
    return fresh;
  }

  return {
    logs: () => stored?.logs ?? [],
    current: async () => key,
    replace: () => turns(replace),
    prepare: () => turns(async () => void (key ?? (await replace()))),
  };
}

function parseStored(path: string, text: string): Stored {
  const { seed, logs } = JSON.parse(text) as Partial<Stored>;
  const isWhole = typeof seed === 'string' && Array.isArray(logs) && logs.every((log) => logKey(log) !== undefined);
  if (!isWhole) throw new Error(`${path} is not a key file`);
  return { seed, logs };
}

function requiredSeed(path: string, text: string): Uint8Array<ArrayBuffer> {
  const seed = fromBase64Url(text);
  if (seed === undefined) throw new Error(`${path} is not a key file`);
  return seed;
}
