import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { verifyForkProof } from '../../../core/log/fork.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { check, checkEqual } from '../check.ts';
import type { CaseContext, ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { checkHeld, checkHoldsAll, wholeContent } from '../reading.ts';
import type { TestLog } from '../test-log.ts';

/** A log of 40 entries in small rows, some of them merged, and one that shares its first `shared` entries. */
async function forked(t: CaseContext, shared: number): Promise<{ log: TestLog; other: TestLog }> {
  const log = await t.createLog();
  await log.grow({ count: 40 });
  const other = log.branch(shared - 1);
  await other.grow({ count: 41 - shared });
  return { log, other };
}

/** The same rows, but before the `nth` write something else happens to them: another tab was quicker. */
function interrupted(rows: RowStore, nth: number, interruption: () => Promise<unknown>): RowStore {
  let writes = 0;
  return {
    ...rows,
    write: async (durability, body) => {
      if (++writes === nth) await interruption();
      return rows.write(durability, body);
    },
  };
}

export const FORK_CASES: readonly ContractCase[] = [
  contractCase(
    'LOG15 S1.10 a second history of a log is kept apart as evidence; what is held and every other log go on',
    async (t) => {
      for (const [shared, first, last] of [
        [40, 40, 40],
        [39, 39, 40],
        [20, 15, 30],
        [20, 25, 30],
        [0, 0, 40],
        [10, 38, 40],
        [36, 30, 36],
      ] as const) {
        const [store, { log, other }] = [await t.open(), await forked(t, shared)];
        const rows = Array.from({ length: 40 }, (_, i) => log.run(i, i));
        if (shared === 40) rows.push(log.grow().then(() => log.run(40)));
        await store.merge(await Promise.all(rows));
        const innocent = await t.createLog();
        const { verdicts } = await store.merge([await other.run(first, last), await innocent.append()]);
        checkEqual(
          verdicts,
          [{ kind: 'fork' }, { kind: 'accepted', first: 0 }],
          `entries ${first} to ${last} of a fork at ${shared}`,
        );
        await checkHoldsAll(t, store, log);
        const proof = (await store.forks()).find((found) => found.log === log.name);
        check(proof !== undefined, `a proof of the fork at ${shared}, from entries ${first} to ${last}`);
        checkEqual(await verifyForkProof(t.crypto, t.spaceHash, proof), true, 'whether the proof convicts');
        check(
          !(await verifyForkProof(t.crypto, t.spaceHash, { ...proof, other: proof.held })),
          'a proof of nothing convicts nobody',
        );
        await store.close();
      }
    },
  ),
  contractCase(
    'LOG15 a run that leaves the log at its head, by its previous id alone, is a fork and not a gap',
    async (t) => {
      const [store, { log, other }] = [await t.open(), await forked(t, 9)];
      await store.merge([await log.run(0, 9)]);
      checkEqual((await store.merge([await other.run(10, 12)])).verdicts, [{ kind: 'fork' }], 'the verdict');
      const [proof] = await store.forks();
      check(proof !== undefined && (await verifyForkProof(t.crypto, t.spaceHash, proof)), 'a proof');
      checkEqual([proof.log, proof.sequence], [log.name, 9], 'what it proves');
      checkEqual(
        (await store.merge([await log.run(10, 39)])).verdicts,
        [{ kind: 'accepted', first: 10 }],
        'the held branch goes on',
      );
      await checkHoldsAll(t, store, log);
    },
  ),
  contractCase('LOG15 evidence of any size is there after the store was opened again', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    await store.merge([await log.append({ count: 2, bodyBytes: 20_000 })]);
    const other = log.branch(0);
    checkEqual(
      (await store.merge([await other.append({ bodyBytes: 200_000 })])).verdicts,
      [{ kind: 'fork' }],
      'the verdict',
    );
    await store.close();
    const [proof] = await (await t.open()).forks();
    check(proof !== undefined && (await verifyForkProof(t.crypto, t.spaceHash, proof)), 'a proof');
  }),
  contractCase(
    'LOG15 what has to be done about forks is written with their verdict, once for each log, or not at all',
    async (t) => {
      const [store, { log, other }, innocent] = [await t.open(), await forked(t, 10), await t.createLog()];
      const asked: (readonly string[])[] = [];
      const valuesOfForks = (logs: readonly string[]): Record<string, string> => {
        asked.push(logs);
        return Object.fromEntries(logs.map((name) => [`fork ${name}`, 'open']));
      };
      await store.merge([await log.run(0, 30), await innocent.append()], { valuesOfForks });
      checkEqual([asked, await store.value(`fork ${log.name}`)], [[], undefined], 'nothing is asked without a fork');
      await store.merge([await other.run(8, 12), await innocent.append(), await other.run(20, 30)], { valuesOfForks });
      checkEqual(new Set(asked.map((logs) => logs.join())), new Set([log.name]), 'the logs asked about');
      checkEqual(await store.values([`fork ${log.name}`, `fork ${innocent.name}`]), ['open', undefined], 'the values');
    },
  ),
  contractCase('LOG16 a log that is set aside is evidence, whole, and is taken anew from its beginning', async (t) => {
    const [store, { log, other }, innocent] = [await t.open(), await forked(t, 20), await t.createLog()];
    for (let i = 0; i < 40; i++) await store.merge([await log.run(i, i)], { durability: 'relaxed' });
    await store.merge([await innocent.append(), await other.run(18, 30)], { values: { mark: 'before' } });
    await store.setAside(log.name, { mark: 'after' });
    checkEqual([await store.head(log.name), await store.range(log.name, 0, 50)], [undefined, []], 'the log');
    checkEqual([await store.value('mark'), (await store.heads()).length], ['after', 1], 'value and other logs');
    const { verdicts } = await store.merge([await other.run(5, 9), await other.run(0, 30), await other.run(31)]);
    checkEqual(
      verdicts.map(({ kind }) => kind),
      ['gap', 'accepted', 'accepted'],
      'the other branch',
    );
    const again = await t.open();
    await checkHoldsAll(t, again, other);
    await checkHoldsAll(t, again, innocent);
    const proofs = await again.forks();
    check(proofs.length > 0, 'a proof against what was set aside');
    for (const proof of proofs) {
      checkEqual(await verifyForkProof(t.crypto, t.spaceHash, proof), true, 'whether the proof convicts');
      checkEqual(proof.log, log.name, 'whom it convicts');
    }
    checkEqual((await again.merge([await log.run(25, 30)])).verdicts, [{ kind: 'fork' }], 'what was set aside, again');
    await again.setAside('never there');
  }),
  contractCase(
    'LOG16 LOG13 an append is judged by the branch that is held when it commits, whatever it saw before',
    async (t) => {
      const [store, rows, { log, other }] = [await t.open(), await t.openRows(), await forked(t, 20)];
      await store.merge([await log.run(0)]);
      async function exchange(): Promise<void> {
        await store.setAside(log.name);
        await store.merge([await other.run(0)]);
      }
      // Its first attempt finds that it needs the id of entry 35, in the middle of a row; then the branch is exchanged.
      const late = createServingLogStore(interrupted(rows, 2, exchange), t.crypto);
      checkEqual(
        (await late.merge([await log.run(30, 35)])).verdicts,
        [{ kind: 'fork' }],
        'a run of the branch that is gone',
      );
      await checkHoldsAll(t, store, other);
    },
  ),
  contractCase(
    'LOG16 LOG3 an erasure meant for a branch that is gone erases its counterpart, and the chain still holds',
    async (t) => {
      const [store, rows, { log, other }] = [await t.open(), await t.openRows(), await forked(t, 20)];
      await store.merge([await log.run(0)]);
      async function exchange(): Promise<void> {
        await store.setAside(log.name);
        await store.merge([await other.run(0)]);
      }
      checkEqual(
        await createServingLogStore(interrupted(rows, 1, exchange), t.crypto).eraseBody(log.name, 30),
        true,
        'erasing',
      );
      const expected = (sequence: number): string => (sequence === 30 ? 'erased' : wholeContent(other)(sequence));
      await checkHeld(t, store, other, { expected });
    },
  ),
];
