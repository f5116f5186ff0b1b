import type { Bytes } from '../../core/log/bytes.ts';
import { fromBase64Url, toBase64Url } from '../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../core/log/crypto.ts';
import type { LogStore } from '../../core/log/log-store.ts';
import type { Clock, EnginePorts, Lock, WriterKeys } from '../../core/engine/ports.ts';
import { createTurns } from '../../core/engine/turns.ts';
import { createNodeCrypto } from '../crypto/node-crypto.ts';
import { generateWriterSeed, seedToWriterKey } from '../crypto/node-writer-key.ts';

export const nodeClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    // Node fires at once what is longer than 2^31 - 1 ms.
    const timer = setTimeout(task, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

const WRITER_SEED = 'writer-seed';

/** The writer's seed among the store's named values: whoever can read the database file can write the log. */
export function createStoredWriterKeys(store: LogStore): WriterKeys {
  /** By its seed: another replica on the same store may replace it. */
  let known: { readonly stored: string; readonly key: WriterKey } | undefined;
  return {
    async current() {
      const stored = await store.value(WRITER_SEED);
      if (stored === undefined) return undefined;
      if (stored === known?.stored) return known.key;
      const seed: Bytes | undefined = fromBase64Url(stored);
      known = seed && { stored, key: seedToWriterKey(seed) };
      return known?.key;
    },
    async replace() {
      const seed = generateWriterSeed();
      const stored = toBase64Url(seed);
      await store.putValues({ [WRITER_SEED]: stored });
      known = { stored, key: seedToWriterKey(seed) };
      return known.key;
    },
  };
}

/** What Node hands to the engine. One process uses a store at a time, so a queue is lock enough. */
export function createNodePorts(writerKeys: WriterKeys, crypto: Crypto = createNodeCrypto()): EnginePorts {
  const queues = new Map<string, ReturnType<typeof createTurns>>();
  const lock: Lock = (name, body) => {
    const queue = queues.get(name) ?? createTurns();
    queues.set(name, queue);
    return queue(body);
  };
  return { crypto, clock: nodeClock, random: Math.random, lock, writerKeys };
}
