import type { PlantedBug } from '../bug.ts';

/** Mistakes in what a store does with runs (core/log). */
export const LOG_STORE_BUGS: readonly PlantedBug[] = [
  {
    name: 'own-append-relaxed',
    file: 'core/log/create-log-store.ts',
    find: "durability = 'strict' }: MergeOptions",
    replace: "durability = 'relaxed' }: MergeOptions",
    why: 'relaxed commits are ten times as fast, and the operating system writes them soon enough',
    faults: ['power-cut'],
  },
  {
    name: 'no-head-compare',
    file: 'core/log/create-log-store.ts',
    find: `if (ownRuns && !extendsHead(context, run)) throw new Stale();
    const verdict = await appendRun(context, run);
    if (ownRuns && verdict.kind !== 'accepted')`,
    replace: `const verdict = await appendRun(context, run);
    if (ownRuns && verdict.kind === 'gap')`,
    why: 'the lock keeps others away, so the head cannot have moved since it was read',
    faults: ['update-worker', 'disk-stall'],
  },
  {
    name: 'no-previous-id-check',
    file: 'core/log/append-rules.ts',
    find: 'if (sharedId === undefined || !isEqual(sharedId, heldId)) {',
    replace: 'if (sharedId === undefined) {',
    why: 'the signature was verified, so the run belongs there',
    faults: ['clone-profile'],
  },
  {
    name: 'fork-overwrites',
    file: 'core/log/append-rules.ts',
    find: `await quarantine(context, log, verified);
    return { kind: 'fork' };`,
    replace: `if (last > head.sequence) return accept(context, head, verified, head.sequence + 1);
    await quarantine(context, log, verified);
    return { kind: 'fork' };`,
    why: 'the longer branch is the newer one',
    faults: ['clone-profile'],
  },
  {
    name: 'merged-row-counts-rows',
    file: 'core/log/append-rules.ts',
    find: 'count: a.count + b.count,',
    replace: 'count: a.count + 1,',
    why: 'a row is an entry',
  },
  {
    name: 'position-reused',
    file: 'core/log/append-rules.ts',
    find: 'context.position += 1;',
    replace: 'context.position += context.changed.has(arrival.log) ? 0 : 1;',
    why: 'one transaction is one arrival of a log',
    faults: ['partition', 'server-kill'],
  },
  {
    name: 'values-in-another-transaction',
    file: 'core/log/create-log-store.ts',
    find: `const { changed, ...result } = await rows.write(durability, (tx) =>
          appendAll(tx, runs, { values, valuesOfForks },`,
    replace: `await rows.write(durability, (tx) => writeValues(tx, values));
        const { changed, ...result } = await rows.write(durability, (tx) =>
          appendAll(tx, runs, { values: {}, valuesOfForks },`,
    why: 'named values are written with the runs either way, and a short transaction is a good one',
    faults: ['disk-error'],
  },
  {
    name: 'merged-run-keeps-first-signature',
    file: 'core/log/run-shape.ts',
    find: 'signature: b.signature };',
    replace: 'signature: a.signature };',
    why: 'the merged run begins where the first one did',
  },
  {
    name: 'lamport-may-shrink',
    file: 'core/log/append-rules.ts',
    find: 'if (firstEntry === undefined || (head !== undefined && firstEntry.lamport <= head.lamport))',
    replace: 'if (firstEntry === undefined)',
    why: 'whoever signs it will have counted right',
    faults: ['byzantine'],
  },
  {
    name: 'chain-starts-anywhere',
    file: 'core/log/append-rules.ts',
    find: "return run.first === 0 ? accept(context, undefined, verified, 0) : { kind: 'gap', expected: 0 };",
    replace: 'return accept(context, undefined, verified, run.first);',
    why: 'a log may have a floor',
  },
  {
    name: 'any-signature-will-do',
    file: 'core/log/run-verify.ts',
    find: "return signed ? { run, ids, bytes } : 'bad-signature';",
    replace: "return signed || run.first > 0 ? { run, ids, bytes } : 'bad-signature';",
    why: 'the first run of a log proved the key; hashes do the rest',
    faults: ['byzantine'],
  },
];
