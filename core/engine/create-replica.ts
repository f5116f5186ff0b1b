import type { Bytes } from '../log/bytes.ts';
import { toBase64Url } from '../log/bytes.ts';
import type { WriterKey } from '../log/crypto.ts';
import type { LogStore, NamedValues } from '../log/log-store.ts';
import { StorageFull } from '../log/row-store.ts';
import type { VerifiedRun } from '../log/run.ts';
import { verifyRun } from '../log/run-verify.ts';
import { hashSpace } from '../log/signature.ts';
import type { LogName } from '../log/version-vector.ts';
import { logName } from '../log/version-vector.ts';
import { WakelogError } from '../protocol/errors.ts';
import type { KeyValueApi } from '../views/key-value/key-value-api.ts';
import { keyValueView } from '../views/key-value/key-value-view.ts';
import type { ViewBuilder } from '../views/view-builder.ts';
import { openViewBuilder } from '../views/view-builder.ts';
import type { ViewStore } from '../views/view-store.ts';
import type { Extension } from './own-log.ts';
import { copiesOf, startExtension } from './own-log.ts';
import type { EnginePorts } from './ports.ts';
import type { Appended, Draft, MergeVerdict, Replica, ViewChange } from './replica.ts';
import { createTurns } from './turns.ts';

export interface ReplicaOptions {
  readonly space: string;
  /** Who its own entries are written for. */
  readonly account: string;
  /** The device's name, for the open entry of its logs. */
  readonly device: string;
  readonly store: LogStore;
  readonly viewStore: ViewStore;
  readonly ports: EnginePorts;
  /** How durable entries of others are before `merge` resolves: `strict` at a server, which acknowledges them. */
  readonly mergeDurability: 'strict' | 'relaxed';
}

/** So many entries at most share one transaction. */
const MOST_ENTRIES_PER_COMMIT = 4_096;
/** The view's rows are written this long after the first change that they lack; a crash before costs folding again. */
const VIEW_WRITE_DELAY_MS = 1_000;
const AUTHORITIES = 'authorities';

/** One waiting append: what it adds to the extension at its turn, and who waits for it. */
interface Waiting {
  readonly size: number;
  readonly add: (extension: Extension) => Promise<Added>;
  readonly settle: (outcome: Settled) => void;
}

type Added = { readonly sequences: readonly number[] } | { readonly refuse: unknown };
type Settled = { readonly appended: readonly Appended[] } | { readonly refuse: unknown } | { readonly error: unknown };

export async function createReplica(options: ReplicaOptions): Promise<Replica> {
  const { space, account, device, store, viewStore, ports } = options;
  const spaceHash = await hashSpace(ports.crypto, space);
  const turns = createTurns();
  const listeners = new Set<(change: ViewChange) => void>();
  const authorities = new Set<LogName>(JSON.parse((await store.value(AUTHORITIES)) ?? '[]') as LogName[]);
  let key: WriterKey | undefined = await ports.writerKeys.current();
  let lamportSeen = await greatestLamport(store);
  let held = false;
  let waiting: Waiting[] = [];
  let draining = false;
  let cancelWrite: (() => void) | undefined;
  let builder = await openBuilder();

  async function openBuilder(): Promise<ViewBuilder<KeyValueApi>> {
    return openViewBuilder(keyValueView, store, viewStore, ports.crypto, (log) => authorities.has(log));
  }

  const ownLog = (): LogName | undefined => key && logName(key.publicKey);
  /** While entries of others wait, own ones and the authorities' fold at once (design §9). */
  const foldsNow = (log: LogName): boolean => !held || log === ownLog() || authorities.has(log);

  function notify(keys: Iterable<string>, origin: 'own' | 'remote'): void {
    scheduleWrite();
    const change = { keys: [...keys], origin };
    if (change.keys.length > 0) for (const listener of listeners) listener(change);
  }

  function scheduleWrite(): void {
    cancelWrite ??= ports.clock.after(VIEW_WRITE_DELAY_MS, () => {
      // A failed write of the view costs nothing but folding again; the next one tries anew.
      flush().catch(() => undefined);
    });
  }

  async function flush(): Promise<void> {
    cancelWrite?.();
    cancelWrite = undefined;
    await turns(async () => {
      if (await builder.flush()) return;
      // Another context of this device wrote the view meanwhile: go on from there.
      builder = await openBuilder();
      await builder.advance(foldsNow);
    });
  }

  function enqueue(size: number, add: Waiting['add']): Promise<Settled> {
    return new Promise((resolve) => {
      waiting.push({ size, add, settle: resolve });
      if (!draining) {
        draining = true;
        void drain();
      }
    });
  }

  /** Group commit: whatever waits when a commit ends shares the next one. */
  async function drain(): Promise<void> {
    // One turn of the queue, so that appends of one task share the first commit too.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = takeBatch();
      await turns(() => ports.lock(`append:${space}:${account}`, () => commit(batch))).catch((error: unknown) => {
        for (const one of batch) one.settle({ error });
      });
    }
    draining = false;
  }

  function takeBatch(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const one of waiting) {
      if (count > 0 && size + one.size > MOST_ENTRIES_PER_COMMIT) break;
      size += one.size;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    for (;;) {
      key ??= (await ports.writerKeys.current()) ?? (await ports.writerKeys.replace());
      const own = logName(key.publicKey);
      await builder.advance((log) => log === own);
      const extension = await extend(key, {});
      const added = await Promise.all(await addInOrder(batch, extension));
      const runs = await extension.runs();
      const anything = added.some((outcome) => 'sequences' in outcome && outcome.sequences.length > 0);
      const ids = new Map(runs.flatMap(({ run, ids: runIds }) => runIds.map((id, i) => [run.first + i, toBase64Url(id)] as const)));
      const values = extension.values((sequence) => ids.get(sequence) ?? '');
      const outcome = anything ? await tryExtend(runs, values, batch) : 'nothing';
      if (outcome === 'stale') continue;
      if (outcome === 'split') return;
      const changed = anything ? await foldOwn(runs) : new Set<string>();
      for (const [i, one] of batch.entries()) one.settle(toSettled(added[i], own, ids));
      notify(changed, 'own');
      return;
    }
  }

  /** Each in its turn, since one may depend on those before; one that cannot be added leaves the others alone. */
  async function addInOrder(batch: readonly Waiting[], extension: Extension): Promise<(Added | { readonly error: unknown })[]> {
    const added: (Added | { readonly error: unknown })[] = [];
    for (const one of batch) added.push(await one.add(extension).catch((error: unknown) => ({ error })));
    return added;
  }

  async function tryExtend(runs: readonly VerifiedRun[], values: NamedValues, batch: readonly Waiting[]): Promise<'done' | 'stale' | 'split'> {
    try {
      return (await store.extend(runs, values)) === 'stale' ? 'stale' : 'done';
    } catch (error) {
      if (!(error instanceof StorageFull)) throw error;
      if (batch.length === 1) throw new WakelogError('storage-full');
      // No room for all of them: each on its own, so that a large one does not take small ones along.
      for (const one of batch) await commit([one]).catch((cause: unknown) => one.settle({ error: cause }));
      return 'split';
    }
  }

  async function extend(writer: WriterKey, opening: { continues?: object; reason?: string }): Promise<Extension> {
    const head = await store.head(logName(writer.publicKey));
    const start = { ports, spaceHash, view: builder.api, head, key: writer, lamportSeen };
    return startExtension({ ...start, opening: { device, account, ...opening } });
  }

  async function foldOwn(runs: readonly VerifiedRun[]): Promise<Set<string>> {
    const changed = new Set<string>();
    for (const { run, ids } of runs) {
      for (const name of await builder.take(run, ids)) changed.add(name);
      lamportSeen = Math.max(lamportSeen, run.entries.at(-1)?.lamport ?? 0);
    }
    return changed;
  }

  async function append(drafts: readonly Draft[]): Promise<readonly Appended[]> {
    const pieces: Promise<Settled>[] = [];
    for (let at = 0; at < drafts.length; at += MOST_ENTRIES_PER_COMMIT) {
      const piece = drafts.slice(at, at + MOST_ENTRIES_PER_COMMIT);
      pieces.push(enqueue(piece.length, async (extension) => ({ sequences: await addDrafts(extension, piece) })));
    }
    const appended: Appended[] = [];
    for (const settled of await Promise.all(pieces)) for (const one of appendedOf(settled)) appended.push(one);
    return appended;
  }

  async function rotate(reason: string, from: number): Promise<void> {
    await turns(() =>
      ports.lock(`append:${space}:${account}`, async () => {
        const old = ownLog();
        const oldHead = old === undefined ? undefined : await store.head(old);
        key = await ports.writerKeys.replace();
        if (old === undefined || oldHead === undefined) return;
        const continues = { log: old, sequence: oldHead.sequence, id: toBase64Url(oldHead.id) };
        const extension = await extend(key, { continues, reason });
        for (const body of await copiesOf(store, old, from)) extension.addCopy(body);
        const runs = await extension.runs();
        if ((await store.extend(runs)) === 'stale') throw new Error('a new log cannot be stale');
        notify(await foldOwn(runs), 'own');
      }),
    );
  }

  async function merge(runs: readonly Bytes[], values: NamedValues = {}): Promise<MergeVerdict[]> {
    const checked = await Promise.all(runs.map((bytes) => verifyRun(ports.crypto, spaceHash, bytes)));
    const verified = checked.filter((run): run is VerifiedRun => typeof run !== 'string');
    return turns(async () => {
      const { verdicts } = await store.merge(verified, { values, durability: options.mergeDurability });
      const changed = new Set<string>();
      for (const [i, { run, ids }] of verified.entries()) {
        if (verdicts[i]?.kind !== 'accepted') continue;
        lamportSeen = Math.max(lamportSeen, run.entries.at(-1)?.lamport ?? 0);
        if (foldsNow(logName(run.log))) for (const name of await builder.take(run, ids)) changed.add(name);
      }
      notify(changed, 'remote');
      const inOrder = verdicts.values();
      return checked.map((run): MergeVerdict => {
        if (typeof run === 'string') return { kind: 'invalid', fault: run };
        const next = inOrder.next();
        if (next.done) throw new Error('one verdict for each run');
        return next.value;
      });
    });
  }

  async function setAuthorities(logs: readonly LogName[]): Promise<void> {
    const fresh = logs.filter((log) => !authorities.has(log));
    if (fresh.length === 0) return;
    await turns(async () => {
      for (const log of fresh) authorities.add(log);
      await store.putValues({ [AUTHORITIES]: JSON.stringify([...authorities].toSorted()) });
      const folded = builder.folded();
      if (!fresh.some((log) => (folded.get(log) ?? -1) >= 0)) return;
      // Their statements were passed over: the view is built again.
      await viewStore.drop(keyValueView.name);
      builder = await openBuilder();
      notify(await builder.advance(foldsNow), 'remote');
    });
  }

  async function heldBack(): Promise<number> {
    const folded = builder.folded();
    let entries = 0;
    for (const { log, floor, sequence } of await store.heads()) {
      // The open entry of a log that is new here is nothing that a person would see.
      const seen = folded.get(log) ?? -1;
      entries += sequence - (seen >= 0 ? seen : Math.max(floor - 1, 0));
    }
    return entries;
  }

  async function advanceAnd(origin: 'own' | 'remote', wanted: (log: LogName) => boolean): Promise<readonly string[]> {
    return turns(async () => {
      const changed = await builder.advance(wanted);
      notify(changed, origin);
      return [...changed];
    });
  }

  const replica: Replica = {
    space,
    account,
    store,
    view: {
      item: async (name) => builder.api.item(name),
      items: (prefix) => builder.api.items(prefix),
      conflicted: () => builder.api.conflicted(),
      collisions: () => builder.api.collisions(),
      refused: () => builder.api.refused(),
      refusal: (id) => builder.api.refusal(id),
      account: async (log) => builder.api.account(log),
      canonicalState: () => builder.api.canonicalState(),
    },
    ownLog,
    append,
    appendIf: async (prepare) => {
      const settled = await enqueue(1, async (extension) => {
        const draft = await prepare(extension.context);
        return 'refuse' in draft ? draft : { sequences: [await extension.addDraft(draft)] };
      });
      if ('refuse' in settled) return settled as { refuse: never };
      const [appended] = appendedOf(settled);
      if (appended === undefined) throw new Error('one draft makes one entry');
      return appended;
    },
    state: async (statements) => appendedOf(await enqueue(statements.length, async (extension) => ({ sequences: statements.map(extension.addStatement) }))),
    merge,
    setAuthorities,
    authorities: () => [...authorities],
    hold: (on) => {
      held = on;
    },
    heldBack,
    release: () => advanceAnd('remote', () => true),
    rotate,
    forks: () => store.forks(),
    catchUp: async () => {
      key = await ports.writerKeys.current();
      lamportSeen = Math.max(lamportSeen, await greatestLamport(store));
      await advanceAnd('own', foldsNow);
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush,
    async close() {
      await flush().catch(() => undefined);
      await store.close();
    },
  };
  // What another life of this device appended and did not fold.
  await advanceAnd('own', foldsNow);
  return replica;
}

async function greatestLamport(store: LogStore): Promise<number> {
  return (await store.heads()).reduce((most, head) => Math.max(most, head.lamport), 0);
}

async function addDrafts(extension: Extension, drafts: readonly Draft[]): Promise<number[]> {
  const sequences: number[] = [];
  for (const draft of drafts) sequences.push(await extension.addDraft(draft));
  return sequences;
}

function toSettled(added: Added | { readonly error: unknown } | undefined, log: LogName, ids: ReadonlyMap<number, string>): Settled {
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
