import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import type { Bytes } from '../../core/log/bytes.ts';
import type { ArrivalRow, HeadRow } from '../../core/log/row-store.ts';
import type { Pieces } from './pieces.ts';

/*
 * One database holds one account's log and views in one space. No value exceeds 60 KB: at 64 KiB Chromium starts to write
 * blob files, which are slow and torn by a power cut. So whatever may be larger is stored in pieces, the first one under
 * its key, the others under the same key with a number behind it: they lie next to each other, one request reads or
 * deletes them all. No store has an index.
 */
export const SCHEMA_VERSION = 1;

export type RunHead = { readonly first: number; readonly count: number; readonly lastId: Bytes } & Pieces<Bytes>;
export type QuarantinedHead = { readonly log: string; readonly first: number; readonly lastId: Bytes } & Pieces<Bytes>;
export type TextHead = Pieces<string>;

/** What a writer's private key is kept as: not readable at all, or, where WebCrypto has no Ed25519, a seed. */
export type StoredKey = CryptoKeyPair | Bytes;

type QuarantinedKey =
  | [log: string, first: number, lastId: string]
  | [log: string, first: number, lastId: string, piece: number];

export interface Schema extends DBSchema {
  readonly heads: { key: string; value: HeadRow };
  readonly runs: {
    key: [log: string, first: number] | [log: string, first: number, piece: number];
    value: RunHead | Bytes;
  };
  readonly arrivals: { key: number; value: ArrivalRow };
  readonly quarantined: { key: QuarantinedKey; value: QuarantinedHead | Bytes };
  readonly values: { key: string; value: string };
  readonly checkpoints: { key: [view: string] | [view: string, piece: number]; value: TextHead | string };
  readonly shards: {
    key: [view: string] | [view: string, key: string] | [view: string, key: string, piece: number];
    value: TextHead | string;
  };
  readonly keys: { key: string; value: StoredKey };
}

export type Database = IDBPDatabase<Schema>;
export type StoreName = StoreNames<Schema>;
export type Transaction<Mode extends IDBTransactionMode = 'readonly'> = IDBPTransaction<Schema, StoreName[], Mode>;

export const LOG_STORES: StoreName[] = ['heads', 'runs', 'arrivals', 'quarantined', 'values'];
export const VIEW_STORES: StoreName[] = ['checkpoints', 'shards'];
export const KEY_STORES: StoreName[] = ['keys'];

/** Brings a database from `oldVersion` (0: new) to this one's. */
export function upgradeSchema(database: Database, oldVersion: number): void {
  if (oldVersion >= 1) return;
  for (const name of [...LOG_STORES, ...VIEW_STORES, ...KEY_STORES]) database.createObjectStore(name);
}
