import type { ServingLogStore } from '../../../core/log/log-store.ts';
import { check, checkEqual } from '../check.ts';
import type { ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { checkHoldsAll } from '../reading.ts';
import type { TestLog } from '../test-log.ts';

/** Compare and append until it was in time: what tabs of one writer do. Returns the sequence that the entry got. */
async function appendWhenInTime(store: ServingLogStore, log: TestLog): Promise<number> {
  for (;;) {
    // The log as this writer sees it; signing takes a moment, in which others append.
    const seen = log.branch(log.length() - 1);
    const run = await seen.append();
    if ((await store.extend([run])) === 'stale') continue;
    await adopt(log, seen);
    return run.run.first;
  }
}

/** The test's own record of the log follows whoever was in time. */
const chains = new WeakMap<TestLog, { log: TestLog }>();

async function adopt(shared: TestLog, winner: TestLog): Promise<void> {
  const chain = chains.get(shared);
  if (chain !== undefined) chain.log = winner;
}

/** A log that always stands for the latest state that a writer committed. */
function followed(log: TestLog): TestLog {
  const chain = { log };
  const following: TestLog = {
    name: log.name,
    length: () => chain.log.length(),
    id: (sequence) => chain.log.id(sequence),
    entry: (sequence) => chain.log.entry(sequence),
    grow: (entries) => chain.log.grow(entries),
    run: (first, last) => chain.log.run(first, last),
    append: (entries) => chain.log.append(entries),
    branch: (last) => chain.log.branch(last),
  };
  chains.set(following, chain);
  return following;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

export const CONCURRENCY_CASES: readonly ContractCase[] = [
  contractCase(
    'S1.1 20 writers that compare and append to one log at once through three connections make no gap, no fork, nothing twice',
    async (t) => {
      const stores = [await t.open(), await t.open(), await t.open()] as const;
      const log = followed(await t.createLog());
      await stores[0].extend([await log.append()]);
      const sequences = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const own: number[] = [];
          for (let n = 0; n < 3; n++) own.push(await appendWhenInTime(stores[i % 3] ?? stores[0], log));
          return own;
        }),
      );
      const given = sequences.flat().toSorted((a, b) => a - b);
      checkEqual(
        given,
        Array.from({ length: 60 }, (_, i) => i + 1),
        'the sequences that writers were given',
      );
      for (const store of stores) await checkHoldsAll(t, store, log);
      checkEqual([(await stores[1].forks()).length, await stores[2].position()], [0, 61], 'forks and position');
    },
  ),
  contractCase(
    'LOG13 of two branches appended at the same moment through two connections exactly one is accepted',
    async (t) => {
      const [a, b] = [await t.open(), await t.open()];
      for (let round = 0; round < 10; round++) {
        const log = await t.createLog();
        await a.extend([await log.append()]);
        const other = log.branch(0);
        const runs = [await log.append(), await other.append()] as const;
        const results = await Promise.all([a.extend([runs[0]]), b.extend([runs[1]])]);
        checkEqual(results.filter((result) => result === 'stale').length, 1, 'how many were stale');
        await checkHoldsAll(t, b, results[0] === 'stale' ? other : log);
        const merged = await Promise.all([a.merge([await log.append()]), b.merge([await other.append()])]);
        checkEqual(
          merged.map(({ verdicts }) => String(verdicts[0]?.kind)).toSorted(byText),
          ['accepted', 'fork'],
          'verdicts of peers',
        );
      }
    },
  ),
  contractCase(
    'LOG13 20 writers of 20 logs merge the same runs twice at once, in bits that overlap: each entry is stored once',
    async (t) => {
      const stores = [await t.open(), await t.open()] as const;
      const logs = await Promise.all(Array.from({ length: 20 }, () => t.createLog()));
      for (const log of logs) await log.grow({ count: 12 });
      await Promise.all(
        logs.flatMap((log) =>
          stores.map(async (store, i) => {
            for (const [first, last] of [
              [0, 3],
              [2, 6],
              [5, 11],
              [0, 11],
            ] as const) {
              const { verdicts } = await store.merge([await log.run(first, last - (first === 0 ? 0 : i))], {
                durability: 'relaxed',
              });
              check(
                verdicts[0]?.kind === 'accepted' || verdicts[0]?.kind === 'duplicate',
                `entries from ${first} on: ${verdicts[0]?.kind}`,
              );
            }
          }),
        ),
      );
      for (const log of logs) await checkHoldsAll(t, stores[0], log);
    },
  ),
  contractCase(
    'S1.1 merging of small rows into larger ones keeps every answer, in the middle of appends and after them',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      for (let i = 0; i < 300; i++) {
        await store.merge([await log.append({ count: 1 + (i % 2) })], { durability: 'relaxed' });
        if (i % 37 === 0) await checkHoldsAll(t, store, log);
      }
      await checkHoldsAll(t, store, log);
      const rows = await store.range(log.name, 0, log.length() - 1);
      check(rows.length < 40, `450 entries that came in 300 runs are stored in ${rows.length} rows`);
      for (let sequence = 0; sequence < log.length(); sequence += 13) {
        checkEqual(await store.entryId(log.name, sequence), log.id(sequence), `the id of entry ${sequence}`);
      }
      const again = await Promise.all(Array.from({ length: 150 }, (_, i) => log.run(i * 3, i * 3 + 1)));
      const { verdicts } = await store.merge(again);
      checkEqual(new Set(verdicts.map(({ kind }) => kind)), new Set(['duplicate']), 'all of it again');
    },
  ),
  contractCase('S3.2 300 logs in one database, each by itself', async (t) => {
    const store = await t.open();
    const logs = await Promise.all(Array.from({ length: 300 }, () => t.createLog()));
    for (const [i, log] of logs.entries()) await log.grow({ count: 1 + (i % 4) });
    const runs = await Promise.all(logs.map((log) => log.run(0)));
    const { verdicts, position } = await store.merge(runs);
    checkEqual([new Set(verdicts.map(({ kind }) => kind)).size, position], [1, 300], 'verdicts and position');
    const heads = await (await t.open()).heads();
    const byLog = new Map(heads.map((head) => [head.log, head.sequence]));
    checkEqual(heads.length, 300, 'the number of heads');
    for (const log of logs) checkEqual(byLog.get(log.name), log.length() - 1, 'a head');
    for (const log of logs.slice(0, 20)) await checkHoldsAll(t, store, log);
  }),
];
