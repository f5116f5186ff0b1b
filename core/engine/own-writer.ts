import type { Bytes } from '../log/bytes.ts';
import { isEqual, toBase64Url } from '../log/bytes.ts';
import type { WriterKey } from '../log/crypto.ts';
import type { Head, LogStore, NamedValues } from '../log/log-store.ts';
import { leftName } from '../log/log-store.ts';
import { StorageFull } from '../log/row-store.ts';
import type { VerifiedRun } from '../log/run.ts';
import { lastSequence } from '../log/run.ts';
import type { LogName } from '../log/version-vector.ts';
import { logName } from '../log/version-vector.ts';
import { WakelogError } from '../protocol/errors.ts';
import type { Statement } from '../views/key-value/statements.ts';
import type { Added, Settled, Waiting } from './append-queue.ts';
import { createAppendQueue, MOST_ENTRIES_PER_COMMIT } from './append-queue.ts';
import type { Extension } from './own-log.ts';
import { copiesOf, startExtension } from './own-log.ts';
import type { Appended, Draft, PrepareDraft, PrepareDrafts, Replica, ReplicaOptions, RotateOptions } from './replica.ts';
import type { Turns } from './turns.ts';
import type { ViewKeeper } from './view-keeper.ts';

/** The device's own log in a space: the only place where entries are made. */
export interface OwnWriter {
  readonly log: () => LogName | undefined;
  readonly append: (drafts: readonly Draft[]) => Promise<readonly Appended[]>;
  readonly appendIf: Replica['appendIf'];
  readonly appendAllIf: Replica['appendAllIf'];
  readonly state: (statements: readonly Statement[]) => Promise<readonly Appended[]>;
  readonly rotate: Replica['rotate'];
  /**
   * Before runs are merged, for a caller that has the turn: when they go on with the own log, it is never extended again.
   * The log, then.
   */
  readonly leaveIfContinuedBy: (runs: readonly VerifiedRun[]) => Promise<LogName | undefined>;
  /** Another context may have made or replaced the key. */
  readonly reload: () => Promise<void>;
  /** A lamport counter of somebody else. */
  readonly noteLamport: (lamport: number) => void;
}

/** What a log goes on from. */
type OwnEnd = Pick<Head, 'log' | 'sequence' | 'id' | 'lamport'>;

/** What is stored of a device's writer. */
export interface OwnWriterStart {
  readonly key: WriterKey | undefined;
  readonly lamportSeen: number;
}

export async function readOwnWriterStart({ store, ports }: Pick<ReplicaOptions, 'store' | 'ports'>): Promise<OwnWriterStart> {
  const [key, lamportSeen] = await Promise.all([ports.writerKeys.current(), greatestLamport(store)]);
  return { key, lamportSeen };
}

async function greatestLamport(store: LogStore): Promise<number> {
  return (await store.heads()).reduce((most, head) => Math.max(most, head.lamport), 0);
}

/**
 * Order, always: chained and signed outside the transaction, durable, then in the view, then told (SYNC10). Every append
 * runs under the device's lock, and compares the log's head once more inside its transaction.
 */
export function createOwnWriter(
  { space, account, device, store, ports }: ReplicaOptions,
  spaceHash: Bytes,
  turns: Turns,
  views: ViewKeeper,
  start: OwnWriterStart,
): OwnWriter {
  let { key, lamportSeen } = start;
  /**
   * The log's head after the last commit here, folded into the view; undefined when somebody else may have appended. A
   * commit on an old one is `stale`, since the transaction compares.
   */
  let ownEnd: OwnEnd | undefined;
  /** How often it was undefined: what was read before may be old since. */
  let unknownEnds = 0;
  const queue = createAppendQueue((batch) => alone(() => commit(batch)));

  function alone<T>(body: () => Promise<T>): Promise<T> {
    return turns(() => underLock(body));
  }

  function underLock<T>(body: () => Promise<T>): Promise<T> {
    return ports.lock(`append:${JSON.stringify([account, space])}`, body);
  }

  /** What a store refuses to extend, whoever still has its key (LOG13). */
  const leaving = (log: LogName): NamedValues => ({ [leftName(log)]: 'true' });

  /** Leaves a log for good: its key is replaced, and no context extends it any more. */
  async function replaceKey(log: LogName | undefined): Promise<WriterKey> {
    if (log !== undefined) await store.putValues(leaving(log));
    return (key = await ports.writerKeys.replace());
  }

  /** The key to append with. One whose log was left is replaced: a life ended in between, or somebody put it back. */
  async function presentKey(): Promise<WriterKey> {
    const current = await ports.writerKeys.current();
    const isLeft = current === undefined || (await store.value(leftName(logName(current.publicKey)))) !== undefined;
    return isLeft ? ports.writerKeys.replace() : current;
  }

  function noteLamport(lamport: number): void {
    lamportSeen = Math.max(lamportSeen, lamport);
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    for (;;) {
      await views.ensureTrust('as known here');
      // Another context may have left the log that this one knows: it must never be begun or extended again.
      if (key === undefined || ownEnd === undefined) key = await presentKey();
      const own = logName(key.publicKey);
      if (ownEnd?.log !== own) await views.current().advance((log) => log === own);
      const known = ownEnd?.log === own ? ownEnd : undefined;
      if (known === undefined) unknownEnds += 1;
      const extension = extendFrom(known ?? (await store.head(own)), key, {});
      ownEnd = undefined;
      const added = await addInOrder(batch, extension);
      const anything = added.some((outcome) => 'sequences' in outcome && outcome.sequences.length > 0);
      const runs = anything ? await extension.runs() : [];
      const ids = idsBySequence(runs);
      const values = extension.values((sequence) => ids.get(sequence) ?? '');
      const stored = anything ? await tryExtend(runs, values, batch) : 'stored';
      if (stored === 'stale') continue;
      if (stored === 'stored one by one') return;
      const changed = await fold(runs);
      ownEnd = endOf(runs);
      for (const [i, one] of batch.entries()) one.settle(toSettled(added[i], own, ids));
      views.notify(changed, 'own', anything);
      return;
    }
  }

  async function tryExtend(runs: readonly VerifiedRun[], values: NamedValues, batch: readonly Waiting[]): Promise<'stored' | 'stale' | 'stored one by one'> {
    try {
      return (await store.extend(runs, values)) === 'stale' ? 'stale' : 'stored';
    } catch (error) {
      if (!(error instanceof StorageFull)) throw error;
      if (batch.length === 1) throw new WakelogError('storage-full');
      // No room for all of them: each on its own, so that a large one does not take small ones along.
      for (const one of batch) await commit([one]).catch((cause: unknown) => one.settle({ error: cause }));
      return 'stored one by one';
    }
  }

  function extendFrom(head: OwnEnd | undefined, writer: WriterKey, opening: { continues?: object; reason?: string }): Extension {
    const start = { ports, spaceHash, view: views.current().api, head, key: writer, lamportSeen, lamportStored: () => greatestLamport(store) };
    return startExtension({ ...start, opening: { device, account, ...opening } });
  }

  /** What fails here is durable all the same: it is tried once more, else before anything else, and its writer is told now. */
  async function fold(runs: readonly VerifiedRun[]): Promise<Set<string>> {
    const changed = new Set<string>();
    for (const { run } of runs) noteLamport(run.entries.at(-1)?.lamport ?? 0);
    try {
      for (const { run, ids } of runs) for (const name of await views.current().take(run, ids)) changed.add(name);
    } catch {
      views.fallBehind();
      await views.ensureTrust('as known here');
    }
    return changed;
  }

  async function append(drafts: readonly Draft[]): Promise<readonly Appended[]> {
    const pieces: Promise<Settled>[] = [];
    for (let at = 0; at < drafts.length; at += MOST_ENTRIES_PER_COMMIT) {
      const piece = drafts.slice(at, at + MOST_ENTRIES_PER_COMMIT);
      pieces.push(queue.enqueue(piece.length, async (extension) => ({ sequences: await extension.addDrafts(piece) })));
    }
    return (await Promise.all(pieces)).flatMap(appendedOf);
  }

  async function appendAllIf<Refusal>(count: number, prepare: PrepareDrafts<Refusal>): Promise<readonly Appended[] | { readonly refuse: Refusal }> {
    const before = unknownEnds;
    const settled = await queue.enqueue(count, async (extension) => {
      const drafts = await prepare({ item: extension.item, mayBeStale: unknownEnds > before });
      return 'refuse' in drafts ? drafts : { sequences: await extension.addDrafts(drafts) };
    });
    return 'refuse' in settled ? (settled as { readonly refuse: Refusal }) : appendedOf(settled);
  }

  async function rotate(reason: string, from: number, { log, values }: RotateOptions = {}): Promise<void> {
    await alone(async () => {
      key = await ports.writerKeys.current();
      const current = key && logName(key.publicKey);
      const old = log ?? current;
      const oldHead = old === undefined ? undefined : await store.head(old);
      const writer = key === undefined || current === old ? await replaceKey(old) : key;
      if (old === undefined || oldHead === undefined) return store.putValues({ ...values });
      noteLamport(await greatestLamport(store));
      const continues = { log: old, sequence: oldHead.sequence, id: toBase64Url(oldHead.id) };
      const extension = extendFrom(await store.head(logName(writer.publicKey)), writer, { continues, reason });
      for (const body of await copiesOf(store, old, from)) extension.addCopy(body);
      const runs = await extension.runs();
      if ((await store.extend(runs, { ...extension.values(String), ...values, ...leaving(old) })) === 'stale') throw new Error('nobody else extends a log under the lock');
      // Another context goes by the log that was left, until it is told.
      views.notify(await fold(runs), 'own', true);
    });
  }

  async function leaveIfContinuedBy(runs: readonly VerifiedRun[]): Promise<LogName | undefined> {
    const own = key && logName(key.publicKey);
    if (own === undefined || !runs.some(({ run }) => logName(run.log) === own)) return undefined;
    return underLock(async () => {
      const head = await store.head(own);
      if (!runs.some((one) => logName(one.run.log) === own && goesOn(one, head))) return undefined;
      key = await ports.writerKeys.current();
      if (key === undefined || logName(key.publicKey) === own) await replaceKey(own);
      return own;
    });
  }

  return {
    log: () => key && logName(key.publicKey),
    append,
    appendIf: (prepare) => appendOneIf(appendAllIf, prepare),
    appendAllIf,
    state: async (statements) =>
      appendedOf(await queue.enqueue(statements.length, async (extension) => ({ sequences: statements.map(extension.addStatement) }))),
    rotate,
    leaveIfContinuedBy,
    // In a turn: what is read while the key is replaced here would take its place.
    reload: () =>
      turns(async () => {
        const now = await readOwnWriterStart({ store, ports });
        key = now.key;
        noteLamport(now.lamportSeen);
      }),
    noteLamport,
  };
}

async function appendOneIf<Refusal>(appendAllIf: OwnWriter['appendAllIf'], prepare: PrepareDraft<Refusal>): Promise<Appended | { readonly refuse: Refusal }> {
  const settled = await appendAllIf<Refusal>(1, async (context) => {
    const draft = await prepare(context);
    return 'refuse' in draft ? draft : [draft];
  });
  if ('refuse' in settled) return settled;
  const [appended] = settled;
  if (appended === undefined) throw new Error('one draft makes one entry');
  return appended;
}

function endOf(runs: readonly VerifiedRun[]): OwnEnd | undefined {
  const last = runs.at(-1);
  const [entry, id] = [last?.run.entries.at(-1), last?.ids.at(-1)];
  if (last === undefined || entry === undefined || id === undefined) return undefined;
  return { log: logName(last.run.log), sequence: lastSequence(last.run), id, lamport: entry.lamport };
}

/** Whether a run has entries that follow a log's head. */
function goesOn({ run, ids }: VerifiedRun, head: Head | undefined): boolean {
  if (head === undefined) return run.first === 0;
  if (run.first > head.sequence + 1 || lastSequence(run) <= head.sequence) return false;
  const before = run.first === head.sequence + 1 ? run.previous : ids[head.sequence - run.first];
  return before !== undefined && isEqual(before, head.id);
}

function idsBySequence(runs: readonly VerifiedRun[]): ReadonlyMap<number, string> {
  const idBySequence = new Map<number, string>();
  for (const { run, ids } of runs) for (const [i, id] of ids.entries()) idBySequence.set(run.first + i, toBase64Url(id));
  return idBySequence;
}

/** Each in its turn, since one may depend on those before; one that cannot be added leaves the others alone. */
async function addInOrder(batch: readonly Waiting[], extension: Extension): Promise<Added[]> {
  const added: Added[] = [];
  for (const one of batch) added.push(await one.add(extension).catch((error: unknown) => ({ error })));
  return added;
}

function toSettled(added: Added | undefined, log: LogName, ids: ReadonlyMap<number, string>): Settled {
  if (added === undefined) return { error: new Error('every waiting append has an outcome') };
  if (!('sequences' in added)) return added;
  const appended = added.sequences.map((sequence): Appended => {
    const id = ids.get(sequence);
    if (id === undefined) throw new Error('every entry has an id');
    return { id, log, sequence };
  });
  return { appended };
}

function appendedOf(settled: Settled): readonly Appended[] {
  if ('error' in settled) throw settled.error;
  if ('refuse' in settled) throw new Error('only a conditional append can be refused');
  return settled.appended;
}
