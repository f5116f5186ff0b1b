import { check, checkEqual } from '../check.ts';
import type { ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { checkHeld, checkHoldsAll, contentText, readOn, readRuns, wholeContent } from '../reading.ts';
import type { Met } from '../reading.ts';
import { partOf } from '../test-log.ts';

export const BODY_CASES: readonly ContractCase[] = [
  contractCase(
    'LOG9 S1.3 S3.1 a range cut at any two points verifies, holds exactly these bodies, and is inclusive at both ends',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      for (const count of [1, 4, 3, 1, 6, 3])
        await store.merge([await log.append({ count, parts: count % 2 === 0 ? 2 : 1 })]);
      for (let first = 0; first < log.length(); first++) {
        for (let last = first; last < log.length(); last++) {
          const runs = await store.range(log.name, first, last);
          const contents = await readRuns(t, runs, log);
          for (const [sequence, content] of contents) {
            const inside = sequence >= first && sequence <= last;
            checkEqual(
              content,
              inside ? wholeContent(log)(sequence) : 'withheld',
              `entry ${sequence} of range ${first} to ${last}`,
            );
          }
          checkEqual(
            [Math.min(...contents.keys()), contents.has(last)],
            [first, true],
            `the ends of range ${first} to ${last}`,
          );
        }
      }
      checkEqual(await store.range(log.name, 18, 30), [], 'a range after the head');
      checkEqual(await store.range(log.name, 5, 4), [], 'a range that ends before it begins');
      await readRuns(t, await store.range(log.name, 10, 99), log);
    },
  ),
  contractCase('LOG9 a range of a bounded size goes on where it ended, at least one run at a time', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    for (let i = 0; i < 60; i++)
      await store.merge([await log.append({ count: 1 + (i % 4), bodyBytes: 40 * i })], { durability: 'relaxed' });
    for (const maxBytes of [0, 1, 5_000, 100_000]) {
      for (let next = 0; next < log.length();) {
        const runs = await store.range(log.name, next, log.length() - 1, maxBytes);
        const contents = await readRuns(t, runs, log);
        check(contents.size > 0, `a range from ${next} on is empty`);
        checkEqual(Math.min(...contents.keys()), next, 'where a range begins');
        next += contents.size;
      }
    }
  }),
  contractCase(
    'LOG3 an erased body is gone for good: the range verifies, the chain holds, no later copy brings it back',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      for (let i = 0; i < 40; i++) await store.merge([await log.append()], { durability: 'relaxed' });
      for (const sequence of [0, 17, 39])
        checkEqual(await store.eraseBody(log.name, sequence), true, `erasing ${sequence}`);
      checkEqual(await store.eraseBody(log.name, 17), false, 'erasing it again');
      checkEqual(await store.eraseBody(log.name, 40), false, 'erasing what is not there');
      const expected = (sequence: number): string =>
        [0, 17, 39].includes(sequence) ? 'erased' : wholeContent(log)(sequence);
      await checkHeld(t, store, log, { expected });
      checkEqual((await store.merge([await log.run(0)])).verdicts, [{ kind: 'duplicate' }], 'a whole copy');
      for (let i = 0; i < 40; i++) await store.merge([await log.append()], { durability: 'relaxed' });
      await store.close();
      await checkHeld(t, await t.open(), log, { expected });
    },
  ),
  contractCase('LOG3 one part of a body is erased alone; with the last part the body is gone', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    await store.merge([await log.append({ count: 3, parts: 3 })]);
    checkEqual(await store.eraseBody(log.name, 1, 1), true, 'erasing a part');
    checkEqual(await store.eraseBody(log.name, 1, 1), false, 'erasing it again');
    checkEqual(await store.eraseBody(log.name, 1, 3), false, 'erasing a part that is not there');
    const parts = contentText(log.entry(1).content).split('+');
    const expected = (content: string) => (sequence: number) =>
      sequence === 1 ? content : wholeContent(log)(sequence);
    await checkHeld(t, store, log, { expected: expected([parts[0], '-', parts[2]].join('+')) });
    await store.merge([await log.run(0)]);
    await checkHeld(t, store, log, { expected: expected([parts[0], '-', parts[2]].join('+')) });
    await Promise.all([store.eraseBody(log.name, 1, 0), (await t.open()).eraseBody(log.name, 1, 2)]);
    await checkHeld(t, store, log, { expected: expected('erased') });
  }),
  contractCase(
    'LOG9 bodies that a sender left out come later, and whoever reads by position meets them then',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      const whole = await log.append({ count: 10, parts: 2 });
      checkEqual(
        (await store.merge([await partOf(t.crypto, t.spaceHash, whole, 0, 3)])).verdicts,
        [{ kind: 'accepted', first: 0 }],
        'a part',
      );
      const lacking = (last: number) => (sequence: number) =>
        sequence <= last ? wholeContent(log)(sequence) : 'withheld';
      await checkHeld(t, store, log, { expected: lacking(3) });
      for (let i = 0; i < 40; i++) await store.merge([await log.append()], { durability: 'relaxed' });
      const before = await store.position();
      checkEqual(
        (await store.merge([await partOf(t.crypto, t.spaceHash, whole, 2, 6)])).verdicts,
        [{ kind: 'duplicate' }],
        'more of it',
      );
      checkEqual((await store.merge([whole])).verdicts, [{ kind: 'duplicate' }], 'all of it');
      await checkHoldsAll(t, store, log);
      const met: Met = new Map();
      await readOn(store, before, 1_000_000, met);
      checkEqual(
        [...(met.get(log.name)?.keys() ?? [])].toSorted((a, b) => a - b),
        [4, 5, 6, 7, 8, 9],
        'what arrived after all the rest',
      );
      await store.eraseBody(log.name, 5);
      await store.merge([whole]);
      await checkHeld(t, store, log, { first: 5, last: 5, expected: () => 'erased' });
    },
  ),
  contractCase(
    'LOG20 bodies up to 1 MiB, and of every size around 48 and 64 KiB, are read back whole, in order, and can be erased',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      for (const bodyBytes of [
        1_048_576, 10, 48_900, 49_000, 49_100, 49_151, 49_152, 49_153, 65_535, 65_536, 98_304, 98_400, 0, 1_048_576, 1,
      ]) {
        await store.merge([await log.append({ bodyBytes })], { durability: 'relaxed' });
      }
      await checkHoldsAll(t, store, log);
      for (let sequence = 0; sequence < log.length(); sequence++)
        await checkHeld(t, store, log, { first: sequence, last: sequence });
      const met: Met = new Map();
      let next = { position: 0, level: false };
      while (!next.level) next = await readOn(store, next.position, 100_000, met);
      checkEqual(
        [...(met.get(log.name)?.values() ?? [])],
        Array.from({ length: 15 }, () => 1),
        'how often each arrived',
      );
      checkEqual(await store.eraseBody(log.name, 0), true, 'erasing a large body');
      await checkHeld(t, await t.open(), log, {
        expected: (sequence) => (sequence === 0 ? 'erased' : wholeContent(log)(sequence)),
      });
    },
  ),
  contractCase('LOG4 a run handed over inside a larger buffer that is used again stays what it was', async (t) => {
    const [store, log] = [await t.open(), await t.createLog()];
    const run = await log.append({ count: 3 });
    const frame = new Uint8Array(100_000);
    frame.set(run.bytes, 777);
    await store.merge([{ ...run, bytes: frame.subarray(777, 777 + run.bytes.length) }]);
    frame.fill(0);
    await checkHoldsAll(t, store, log);
  }),
];
