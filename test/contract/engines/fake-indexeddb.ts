import { IDBObjectStore as FakeObjectStore, IDBTransaction as FakeTransaction } from 'fake-indexeddb';
import type { ContractEngine } from '../contract.ts';
import { indexedDbEngine } from './indexeddb.ts';

const ROOM_BYTES = 4_500_000;

/** As a browser reports it, fake-indexeddb having no quota of its own: not at the request, but when the transaction is to commit. */
export const fakeIndexedDbEngine: ContractEngine = {
  ...indexedDbEngine,
  create: async (room) => {
    const database = await indexedDbEngine.create(room);
    if (room === 'ample') return database;
    const lift = limitRoom(ROOM_BYTES);
    return {
      ...database,
      remove: async () => {
        lift();
        await database.remove();
      },
    };
  },
};

/** Limits what is put from now on, in all databases together; returns the way to lift the limit. Cases run one by one. */
function limitRoom(bytes: number): () => void {
  const [put, commit] = [FakeObjectStore.prototype.put, FakeTransaction.prototype.commit];
  const bytesByTransaction = new WeakMap<IDBTransaction, number>();
  let left = bytes;
  FakeObjectStore.prototype.put = function putCounted(this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
    bytesByTransaction.set(this.transaction, (bytesByTransaction.get(this.transaction) ?? 0) + sizeOf(value));
    return put.call(this, value, key);
  };
  FakeTransaction.prototype.commit = function commitWithinRoom(this: IDBTransaction & { _abort(error: string): void }) {
    const wanted = bytesByTransaction.get(this) ?? 0;
    if (wanted > left) return this._abort('QuotaExceededError');
    left -= wanted;
    return commit.call(this);
  };
  return () => {
    FakeObjectStore.prototype.put = put;
    FakeTransaction.prototype.commit = commit;
  };
}

function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  return typeof value === 'object' && value !== null && 'piece' in value ? sizeOf(value.piece) : 0;
}
