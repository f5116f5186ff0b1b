import { presentProcess } from '../world/process.ts';
import { noteOfConnection } from './connections.ts';
import { inside } from './fake-internals.ts';
import type { ConnectionInside, DiskCore, TransactionInside } from './fake-internals.ts';
import { runInLane } from './present-disk.ts';
import { freshRecords, settleStores, usedBytes } from './stores.ts';

/** How long a strict commit waits for the disk, ms. */
const SYNC_MS = { min: 1, max: 10 };

/** Transactions begin, commit and end by the rules of the disk that their database lies on. */
export function patchTransactions(): void {
  patchBeginning();
  patchCourse();
  patchEnding();
}

function diskOf(tx: TransactionInside): DiskCore | undefined {
  return tx.db._rawDatabase.disk;
}

function patchBeginning(): void {
  const connections = inside.Connection.prototype as ConnectionInside & {
    transaction(
      names: string | string[],
      mode?: IDBTransactionMode,
      options?: IDBTransactionOptions,
    ): TransactionInside;
  };
  const { transaction } = connections;
  connections.transaction = function begin(names, mode, options) {
    const raw = this._rawDatabase;
    const { disk } = raw;
    if (disk === undefined) return transaction.call(this, names, mode, options);
    // An upgrade that waited while its database was emptied: it begins, and is aborted.
    const isUpgrade = mode === 'versionchange';
    const isHopeless = isUpgrade && this._closePending;
    if (isHopeless) this._closePending = false;
    const tx = runInLane(disk.lane, () => transaction.call(this, names, mode, options));
    if (isHopeless) this._closePending = true;
    // An upgrade, which the browser begins, is noted where it is told.
    presentProcess()?.noteStore();
    tx.simSite = describe(tx.mode, tx.durability, isUpgrade ? `of ${raw.name}` : names);
    tx.simFailure = disk.calls.note(`begin ${tx.simSite}`);
    if (isHopeless) tx.simFailure = 'AbortError';
    tx.simActiveIn = disk.events();
    return tx;
  };
}

function patchCourse(): void {
  const transactions = inside.Transaction.prototype;
  const start = transactions._start;
  transactions._start = function startOrCommit() {
    const disk = diskOf(this);
    if (disk === undefined) return start.call(this);
    if (this._state === 'finished') return;
    this.simActiveIn = disk.events();
    if (this.simFailure !== undefined) {
      const failure = this.simFailure;
      this.simFailure = undefined;
      this._started = true;
      return this._abort(failure);
    }
    if (!this._started && this.mode !== 'readonly') keepGenerators(this);
    if (this.mode === 'readonly' || this._requests.some(({ request }) => request.readyState !== 'done')) {
      return start.call(this);
    }
    this._started = true;
    commit(disk, this, () => start.call(this));
  };
}

/** Numbers that were drawn are given back with everything else; fake-indexeddb forgets it of a key that was named and is higher. */
function keepGenerators(tx: TransactionInside): void {
  for (const name of tx._scope) {
    const generator = tx.db._rawDatabase.rawObjectStores.get(name)?.keyGenerator;
    if (generator === null || generator === undefined) continue;
    const before = generator.num;
    tx._rollbackLog.unshift(() => {
      generator.num = before;
    });
  }
}

/** All requests are done and no more came. `finish` ends the transaction and fires `complete`. */
function commit(disk: DiskCore, tx: TransactionInside, finish: () => void): void {
  if (tx.isInJournal) return;
  const failure = disk.calls.note(`commit ${tx.simSite}`) ?? overQuota(disk, tx);
  if (failure !== undefined) return tx._abort(failure);
  tx.isInJournal = true;
  if (tx.mode !== 'readonly' && tx._rollbackLog.length > 0) disk.tornEnd.written(tx.db._rawDatabase.name);
  const place = disk.journal.append(tx._rollbackLog);
  const put = disk.onCommit.size > 0 ? freshRecords(tx) : undefined;
  settleStores(tx);
  if (put !== undefined) for (const listener of disk.onCommit) listener({ database: tx.db._rawDatabase.name, place, put });
  if (tx.durability !== 'strict') return finish();
  // Nothing more can be asked of it, and nobody else has its stores, until the disk has written it.
  tx._state = 'committing';
  disk.lane.later(disk.random.between(SYNC_MS.min, SYNC_MS.max), () => {
    if (tx._state === 'finished') return;
    disk.journal.sync(place);
    finish();
  });
}

/** Chromium tells it not at the request that put too much, but at the end. What only deletes has room. */
function overQuota(disk: DiskCore, tx: TransactionInside): string | undefined {
  if (disk.quota === undefined || !tx.simPuts || usedBytes(disk) <= disk.quota) return undefined;
  return 'QuotaExceededError';
}

function patchEnding(): void {
  const transactions = inside.Transaction.prototype as TransactionInside & { abort(): void };
  const { _abort, _markFinished, abort } = transactions;
  transactions.abort = function abortInLane() {
    const disk = diskOf(this);
    if (disk === undefined) return abort.call(this);
    runInLane(disk.lane, () => abort.call(this));
  };
  transactions._abort = function abortAndSettle(error) {
    const disk = diskOf(this);
    // An error that was found while it was already being aborted.
    if (disk !== undefined && this._state === 'finished') return;
    _abort.call(this, error);
    if (disk !== undefined && this.mode !== 'readonly') settleStores(this);
  };
  transactions._markFinished = function markAndNote() {
    const disk = diskOf(this);
    if (disk === undefined || this.mode === 'versionchange') _markFinished.call(this);
    else {
      // fake-indexeddb does it in a task of its own, for the sake of upgrades.
      this._state = 'finished';
      const { transactions } = this.db._rawDatabase;
      const at = transactions.indexOf(this);
      if (at !== -1) transactions.splice(at, 1);
    }
    if (disk === undefined) return;
    noteOfConnection(this.db);
    this.db._rawDatabase.processTransactions();
  };
}

/** `readwrite strict heads,runs`: how and on which stores, as production code names them. */
function describe(
  mode: IDBTransactionMode,
  durability: IDBTransactionDurability | undefined,
  stores: string | readonly string[],
): string {
  const names = typeof stores === 'string' ? stores : joined(stores);
  return mode === 'readwrite' ? `readwrite ${durability ?? 'default'} ${names}` : `${mode} ${names}`;
}

/** Lists of stores are constants of the code: few, and often used. */
const joinedLists = new WeakMap<readonly string[], string>();

function joined(list: readonly string[]): string {
  let text = joinedLists.get(list);
  if (text === undefined) joinedLists.set(list, (text = list.join(',')));
  return text;
}
