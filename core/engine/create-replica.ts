import type { Bytes } from '../log/bytes.ts';
import type { MergeOptions, NamedValues, RunVerdict } from '../log/log-store.ts';
import type { VerifiedRun } from '../log/run.ts';
import { verifyRun } from '../log/run-verify.ts';
import { hashSpace } from '../log/signature.ts';
import type { LogName } from '../log/version-vector.ts';
import { logName } from '../log/version-vector.ts';
import { createForkProofs } from './fork-proofs.ts';
import { mendLogs } from './mend-logs.ts';
import { createOwnWriter, readOwnWriterStart } from './own-writer.ts';
import { createOwnCanary } from './own-canary.ts';
import type { MergeVerdict, Replica, ReplicaOptions } from './replica.ts';
import { readMemory } from './sync-memory.ts';
import { createTurns } from './turns.ts';
import { createViewKeeper } from './view-keeper.ts';
import { wholeVector } from './whole-vector.ts';

const AUTHORITIES = 'authorities';

export async function createReplica(options: ReplicaOptions): Promise<Replica> {
  const { space, account, store, ports } = options;
  // Begun before anything is read of the store: what another context appends and covers meanwhile is no setback.
  const mark = ports.canary?.read().catch(() => undefined);
  const spaceHash = await hashSpace(ports.crypto, space);
  const turns = createTurns();
  const authorities = new Set<LogName>();
  // Read at once: on a cold start every reading that waits for another one costs some milliseconds.
  const [known, memory, writerStart, views] = await Promise.all([
    store.value(AUTHORITIES),
    readMemory(store),
    readOwnWriterStart(options),
    createViewKeeper(options, turns, (log) => authorities.has(log), foldsNow),
  ]);
  for (const log of JSON.parse(known ?? '[]') as LogName[]) authorities.add(log);
  const writer = createOwnWriter(options, spaceHash, turns, views, writerStart);
  let held = options.held ?? false;

  /** Entries of others may wait; own ones and the authorities' fold at once (design §9). */
  function mayWait(log: LogName): boolean {
    return log !== writer.log() && !authorities.has(log);
  }

  function foldsNow(log: LogName): boolean {
    return !held || !mayWait(log);
  }

  async function merge(runs: readonly Bytes[], mergeOptions: Omit<MergeOptions, 'durability'> = {}): Promise<MergeVerdict[]> {
    const checked = await Promise.all(runs.map((bytes) => verifyRun(ports.crypto, spaceHash, bytes)));
    const verified = checked.filter((run): run is VerifiedRun => typeof run !== 'string');
    let left: LogName | undefined;
    const outcome = await turns(async () => {
      await views.ensureTrust('as known here');
      // This device once had them: it was restored from a backup, or cloned. They are read, never extended (S1.2): its key is
      // replaced before they are here, so that no append and no next life comes in between.
      left = await writer.leaveIfContinuedBy(verified);
      const { verdicts } = await store.merge(verified, { ...mergeOptions, durability: options.mergeDurability });
      views.notify(await foldMerged(verified, verdicts), 'remote');
      const inOrder = verdicts.values();
      return checked.map((run): MergeVerdict => {
        if (typeof run === 'string') return { kind: 'invalid', fault: run };
        const next = inOrder.next();
        if (next.done) throw new Error('one verdict for each run');
        return next.value;
      });
    });
    if (left !== undefined) await writer.rotate('restored', Number.MAX_SAFE_INTEGER, { log: left });
    return outcome;
  }

  /** Folds what a merge took: the keys that changed. What fails here is durable all the same, and folded later. */
  async function foldMerged(verified: readonly VerifiedRun[], verdicts: readonly RunVerdict[]): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    /** Logs of which the view waited for a body that was withheld: it may have come. */
    const late = new Set<LogName>();
    try {
      for (const [i, { run, ids }] of verified.entries()) {
        if (verdicts[i]?.kind === 'duplicate' && foldsNow(logName(run.log))) late.add(logName(run.log));
        if (verdicts[i]?.kind !== 'accepted') continue;
        writer.noteLamport(run.entries.at(-1)?.lamport ?? 0);
        if (foldsNow(logName(run.log))) for (const name of await views.current().take(run, ids)) changed.add(name);
      }
      if (late.size > 0) for (const name of await views.current().advance((log) => late.has(log))) changed.add(name);
    } catch {
      views.fallBehind();
    }
    return changed;
  }

  async function setAuthorities(logs: readonly LogName[]): Promise<void> {
    const fresh = logs.filter((log) => !authorities.has(log));
    if (fresh.length === 0) return;
    await turns(async () => {
      for (const log of fresh) authorities.add(log);
      try {
        const folded = views.current().folded();
        // Statements that were passed over count now. The view comes first: a crash before the other leaves it to be done again.
        if (fresh.some((log) => (folded.get(log) ?? -1) >= 0)) await views.rebuild();
        await store.putValues({ [AUTHORITIES]: JSON.stringify([...authorities].toSorted()) });
      } catch (error) {
        for (const log of fresh) authorities.delete(log);
        throw error;
      }
    });
  }

  async function setAside(log: LogName, values: NamedValues): Promise<void> {
    await turns(async () => {
      await store.setAside(log, values);
      views.distrust();
      await views.ensureTrust('as known here');
    });
  }

  /** Another context of this device may have met the server since. */
  async function learnAuthorities(): Promise<void> {
    await setAuthorities(JSON.parse((await store.value(AUTHORITIES)) ?? '[]') as LogName[]);
  }

  async function heldBack(): Promise<number> {
    await learnAuthorities();
    const folded = views.current().folded();
    let entries = 0;
    for (const { log, floor, sequence } of await store.heads()) {
      // Own entries that another context of this device just wrote are no updates.
      if (!mayWait(log)) continue;
      // The open entry of a log that is new here is nothing that a person would see.
      const seen = folded.get(log) ?? -1;
      entries += sequence - (seen >= 0 ? seen : Math.max(floor - 1, 0));
    }
    return entries;
  }

  // What another life of this device appended and did not fold.
  await views.advance('own', foldsNow);
  const canary = createOwnCanary(ports.canary, store, writer);
  await canary.leaveIfBehind(await mark, memory);
  const { acknowledged } = memory;
  const leave = (log: LogName): Promise<void> => canary.leave(log, acknowledged);
  const mended = options.mends !== false && (await mendLogs({ store, ownLog: writer.log, folded: views.current().folded(), acknowledged, leave }));
  if (mended) await turns(views.rebuild);
  const api = (): ReturnType<typeof views.current>['api'] => views.current().api;
  const proofs = createForkProofs(store, ports.crypto, spaceHash, () => api().forks());
  return {
    space,
    account,
    store,
    view: {
      item: async (key) => api().item(key),
      items: (prefix) => api().items(prefix),
      conflicted: () => api().conflicted(),
      collisions: () => api().collisions(),
      refused: () => api().refused(),
      refusal: (id) => api().refusal(id),
      account: async (log) => api().account(log),
      canonicalState: () => api().canonicalState(),
    },
    ownLog: writer.log,
    append: writer.append,
    appendIf: writer.appendIf,
    appendAllIf: writer.appendAllIf,
    state: writer.state,
    rotate: writer.rotate,
    cover: canary.cover,
    merge,
    vector: () => wholeVector(store, views.current().folded()),
    setAside,
    setAuthorities,
    authorities: () => [...authorities],
    hold: (on) => {
      held = on;
    },
    heldBack,
    release: () => views.advance('remote', () => true),
    forks: proofs.all,
    forkedLogs: proofs.logs,
    async catchUp() {
      await writer.reload();
      await learnAuthorities();
      await views.advance('own', foldsNow);
    },
    follow: views.follow,
    flush: views.flush,
    async close() {
      // A view that cannot be written any more is folded again next time.
      await views.flush().catch(() => undefined);
      await store.close();
    },
  };
}
