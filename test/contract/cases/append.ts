import type { Change, ServingLogStore } from '../../../core/log/log-store.ts';
import { check, checkEqual, checkRejects } from '../check.ts';
import type { ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { checkHead, checkHoldsAll } from '../reading.ts';
import type { TestLog } from '../test-log.ts';

async function verdictOf(store: ServingLogStore, log: TestLog, first: number, last?: number): Promise<unknown> {
  const { verdicts } = await store.merge([await log.run(first, last)]);
  return verdicts[0];
}

export const APPEND_CASES: readonly ContractCase[] = [
  contractCase('LOG13 S3.1 a run that continues its log is accepted, durable, and read back as it was', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    checkEqual(await store.head(log.name), undefined, 'the head of an unknown log');
    checkEqual(await store.heads(), [], 'the heads of an empty store');
    checkEqual(await store.range(log.name, 0, 10), [], 'a range of an unknown log');
    checkEqual(await store.position(), 0, 'the position of an empty store');
    checkEqual(
      await store.merge([await log.append({ count: 3 })]),
      { verdicts: [{ kind: 'accepted', first: 0 }], position: 1 },
      'the first append',
    );
    checkEqual(
      await store.merge([await log.append({ count: 2 })]),
      { verdicts: [{ kind: 'accepted', first: 3 }], position: 2 },
      'the second',
    );
    await checkHoldsAll(t, store, log);
    checkEqual(await store.entryId(log.name, 1), log.id(1), 'an id inside a run');
    checkEqual(await store.entryId(log.name, 4), log.id(4), 'the id of a head');
    checkEqual(await store.entryId(log.name, 5), undefined, 'the id of an entry that is not there');
  }),
  contractCase('LOG13 S1.5 what is held already is a duplicate, whole or in part, and moves nothing', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    for (let i = 0; i < 4; i++) await store.merge([await log.append({ count: 5 })]);
    for (const [first, last] of [
      [0, 4],
      [5, 9],
      [1, 3],
      [2, 2],
      [3, 12],
      [0, 19],
      [19, 19],
    ] as const) {
      checkEqual(await verdictOf(store, log, first, last), { kind: 'duplicate' }, `entries ${first} to ${last} again`);
    }
    checkEqual(await store.position(), 4, 'the position after duplicates');
    await checkHoldsAll(t, store, log);
  }),
  contractCase(
    'LOG13 S1.5 a run that overlaps what is held adds what is new of it: at the head, inside a row, across rows',
    async (t) => {
      for (const [rows, first, last] of [
        [[5], 4, 9],
        [[5], 0, 9],
        [[3, 4, 5], 5, 20],
        [[3, 4, 5], 0, 12],
        [[1, 1, 1], 2, 3],
      ] as const) {
        const [store, log] = [await t.open(), await t.createLog()];
        for (const count of rows) await store.merge([await log.append({ count })]);
        const held = log.length();
        await log.grow({ count: last - held + 1 });
        checkEqual(
          await verdictOf(store, log, first, last),
          { kind: 'accepted', first: held },
          `entries ${first} to ${last} over ${held} held`,
        );
        await checkHoldsAll(t, store, log);
        await store.close();
      }
    },
  ),
  contractCase(
    'LOG13 S1.5 a run that leaves a gap stores nothing and names the sequence that is expected',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      await log.grow({ count: 20 });
      checkEqual(await verdictOf(store, log, 1, 5), { kind: 'gap', expected: 0 }, 'a log that does not begin at 0');
      checkEqual(await store.head(log.name), undefined, 'the head after a gap');
      await store.merge([await log.run(0, 4)]);
      checkEqual(await verdictOf(store, log, 6, 19), { kind: 'gap', expected: 5 }, 'a gap of one');
      await checkHead(store, log, 4);
      checkEqual(await store.position(), 1, 'the position after gaps');
      const { verdicts } = await store.merge([await log.run(5, 9), await log.run(15, 19), await log.run(10, 19)]);
      checkEqual(
        verdicts,
        [
          { kind: 'accepted', first: 5 },
          { kind: 'gap', expected: 10 },
          { kind: 'accepted', first: 10 },
        ],
        'one call, each run by its own verdict',
      );
      await checkHoldsAll(t, store, log);
    },
  ),
  contractCase(
    'LOG13 a run whose lamport counter does not grow from the head is malformed and stores nothing',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      await store.merge([await log.append({ lamport: 7 })]);
      checkEqual(
        (await store.merge([await log.append({ lamport: 7 })])).verdicts,
        [{ kind: 'malformed' }],
        'an equal lamport counter',
      );
      checkEqual((await store.head(log.name))?.sequence, 0, 'the head');
    },
  ),
  contractCase('LOG13 own runs are taken all or none: stale when the log moved on, with their values', async (t) => {
    const [store, log, other] = [await t.open(), await t.createLog(), await t.createLog()];
    check((await store.extend([await log.append()], { mark: 'first' })) !== 'stale', 'a new log is not stale');
    const branch = log.branch(0);
    await branch.grow({ count: 2 });
    await store.extend([await log.append()], { mark: 'second' });
    const late = [await other.append(), await branch.run(1)];
    checkEqual(await store.extend(late, { mark: 'third' }), 'stale', 'runs after an older head');
    checkEqual(await store.extend([await log.run(1)]), 'stale', 'runs that are there already');
    checkEqual(await store.value('mark'), 'second', 'the value');
    checkEqual(await store.head(other.name), undefined, 'the run before the stale one');
    checkEqual(await store.forks(), [], 'a stale own run is no fork');
    const both = [await other.run(0), await log.append(), await log.append()];
    checkEqual(
      await store.extend(both),
      {
        verdicts: [
          { kind: 'accepted', first: 0 },
          { kind: 'accepted', first: 2 },
          { kind: 'accepted', first: 3 },
        ],
        position: 5,
      },
      'several runs at once',
    );
    await checkHoldsAll(t, store, log);
  }),
  contractCase(
    'LOG13 an own run that no store may take rejects and keeps nothing, those before it included',
    async (t) => {
      const [store, log, other] = [await t.open(), await t.createLog(), await t.createLog()];
      await store.extend([await log.append({ lamport: 5 })]);
      await checkRejects(
        store.extend([await other.append(), await log.append({ lamport: 5 })]),
        'Error',
        'a lamport counter that stands still',
      );
      checkEqual(await store.head(other.name), undefined, 'the run before it');
      checkEqual(await store.position(), 1, 'the position');
    },
  ),
  contractCase(
    'LOG13 named values are written with the runs, whatever becomes of these, and apart from the names of the store',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      await store.merge([await log.append()], {
        values: { cursor: 'a', position: '99', 'store:position': '99', empty: '' },
      });
      checkEqual(
        [await store.value('cursor'), await store.value('position'), await store.value('empty')],
        ['a', '99', ''],
        'values',
      );
      checkEqual(await store.position(), 1, 'the position');
      await store.merge([await log.run(0)], { values: { cursor: 'b', position: undefined } });
      checkEqual(
        [await store.value('cursor'), await store.value('position')],
        ['b', undefined],
        'values after a duplicate',
      );
      await store.putValues({ cursor: 'c', 'with: ü 漢 😀 "quotes"': 'ü 漢 😀\n\t"' });
      checkEqual(await store.value('with: ü 漢 😀 "quotes"'), 'ü 漢 😀\n\t"', 'any text');
      checkEqual(await (await t.open()).value('cursor'), 'c', 'the value in another connection');
      await store.putValues({ 'list:b': '2', 'list:a': '1', 'list:ü': '3', lisu: 'after', list9: 'before' });
      const found = [...(await store.valuesUnder('list:'))].map((pair) => pair.join('='));
      checkEqual(found.toSorted(), ['list:a=1', 'list:b=2', 'list:ü=3'], 'values under a prefix');
      checkEqual([...(await store.valuesUnder('none:'))], [], 'values under a prefix that nothing has');
      checkEqual(await store.values(['epoch', 'cursor', 'empty']), [undefined, 'c', ''], 'several values at once');
    },
  ),
  contractCase('LOG13 followers hear of every commit that brought something, and of no other', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    const heard: Change[] = [];
    const stop = store.follow((change) => heard.push(change));
    const run = await log.append();
    await store.merge([run]);
    await store.merge([run]);
    await store.putValues({ a: 'b' });
    await store.extend([await log.append()]);
    stop();
    await store.extend([await log.append()]);
    checkEqual(
      heard,
      [
        { position: 1, logs: [log.name] },
        { position: 2, logs: [log.name] },
      ],
      'what followers heard',
    );
  }),
];
