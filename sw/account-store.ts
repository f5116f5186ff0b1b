import type { WriterKeys } from '../core/engine/ports.ts';
import type { Awaitable, Bytes } from '../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../core/log/crypto.ts';
import type { RowStore } from '../core/log/row-store.ts';
import type { ViewStore } from '../core/views/view-store.ts';
import type { LogRoom } from './storage/begin-log.ts';

/** A writer's private key as it is stored: one that nobody can read, or a seed where the browser has none such. */
export type StoredKey = CryptoKeyPair | Bytes;

/** One account's database in one space, whatever engine it lies in. */
export interface AccountStore {
  readonly rows: RowStore;
  readonly views: ViewStore;
  readonly keys: {
    readonly get: (name: string) => Promise<StoredKey | undefined>;
    readonly put: (name: string, key: StoredKey) => Promise<void>;
  };
  readonly close: () => Promise<void>;
}

/** The storage engine that the composition root hands in. */
export interface AccountStores {
  readonly open: (name: string, options: { readonly onGone: () => void; readonly room?: LogRoom }) => Promise<AccountStore>;
  readonly remove: (name: string) => Promise<void>;
}

/** The cryptography that the composition root hands in: the browser's own, or the one in JavaScript. */
export interface WorkerCrypto {
  readonly crypto: Crypto;
  readonly generateKey: () => Awaitable<StoredKey>;
  /** Undefined for a key that this cryptography cannot use: the device opens a new log. */
  readonly openKey: (stored: StoredKey) => Awaitable<WriterKey | undefined>;
}

const WRITER = 'writer';

export function createWriterKeys(
  store: Pick<AccountStore, 'keys'>,
  { generateKey, openKey }: WorkerCrypto,
): WriterKeys {
  return {
    async current() {
      const stored = await store.keys.get(WRITER);
      return stored === undefined ? undefined : openKey(stored);
    },
    async replace() {
      const stored = await generateKey();
      await store.keys.put(WRITER, stored);
      const key = await openKey(stored);
      if (key === undefined) throw new Error('a key that was just made can be used');
      return key;
    },
  };
}
