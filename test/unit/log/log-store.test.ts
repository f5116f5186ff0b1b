import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../../core/log/bytes.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import type { Crypto } from '../../../core/log/crypto.ts';
import type { ServingLogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { Run } from '../../../core/log/run.ts';
import { sliceRun } from '../../../core/log/run-shape.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createTestWriter, joined, numbered, verified } from './test-writer.ts';

const crypto: Crypto = createNodeCrypto();

function createStore(): ServingLogStore {
  return createServingLogStore(createMemoryRowStore(), crypto);
}

function forms(runs: readonly Run[]): string[] {
  return runs.flatMap((run) => run.entries.map((entry) => entry.content.form));
}

describe('erasing', () => {
  test('LOG3 two parts of one entry erased at the same time stay erased, both', async () => {
    const writer = createTestWriter();
    const store = createStore();
    const run = await writer.writeRun({ parts: [utf8('one'), utf8('two'), utf8('three')] });
    await store.merge([run]);
    expect(await Promise.all([store.eraseBody(writer.log, 0, 0), store.eraseBody(writer.log, 0, 1)])).toEqual([
      true,
      true,
    ]);
    const [held] = await store.range(writer.log, 0, 0);
    const content = held?.entries[0]?.content;
    expect(content?.form === 'body' && content.parts.map((part) => 'hash' in part)).toEqual([true, true, false]);
  });

  test('LOG3 a part erased while the whole body is erased does not bring the body back', async () => {
    const writer = createTestWriter();
    const store = createStore();
    await store.merge([await writer.writeRun({ parts: [utf8('one'), utf8('two'), utf8('three')] })]);
    await Promise.all([store.eraseBody(writer.log, 0), store.eraseBody(writer.log, 0, 1)]);
    expect(forms(await store.range(writer.log, 0, 0))).toEqual(['erased']);
  });
});

test('LOG9 an erased body does not come back with a copy of its run', async () => {
  const writer = createTestWriter();
  const store = createStore();
  const run = await writer.writeRun(...numbered(3));
  await store.merge([run]);
  await store.eraseBody(writer.log, 1);
  expect((await store.merge([run])).verdicts).toEqual([{ kind: 'duplicate' }]);
  expect(forms(await store.range(writer.log, 0, 2))).toEqual(['body', 'erased', 'body']);
  expect(await store.eraseBody(writer.log, 1)).toBe(false);
});

test('LOG13 LOG1 a run whose lamport counter does not grow from the last run is malformed, and nothing of it is kept', async () => {
  const writer = createTestWriter();
  const store = createStore();
  await store.merge([await writer.writeRun({ text: 'a', lamport: 10 })]);
  for (const lamport of [10, 9, 1]) {
    const fresh = createTestWriter('writer', crypto, writer.end());
    expect((await store.merge([await fresh.writeRun({ text: 'b', lamport })])).verdicts).toEqual([
      { kind: 'malformed' },
    ]);
  }
  expect([(await store.head(writer.log))?.sequence, await store.position(), (await store.forks()).length]).toEqual([
    0, 1, 0,
  ]);
  expect((await store.merge([await writer.writeRun({ text: 'b', lamport: 11 })])).verdicts).toEqual([
    { kind: 'accepted', first: 1 },
  ]);
});

describe('several runs in one call', () => {
  test('LOG13 a run inside one that was accepted in the same call is a duplicate', async () => {
    const writer = createTestWriter();
    const inner = await writer.writeRun(...numbered(4));
    const outer = await verified(joined([inner, await writer.writeRun(...numbered(6, 4))]));
    const { verdicts } = await createStore().merge([outer, inner]);
    expect(verdicts).toEqual([{ kind: 'accepted', first: 0 }, { kind: 'duplicate' }]);
  });

  test('LOG13 a fork inside a run that was accepted in the same call is found', async () => {
    const writer = createTestWriter();
    const inner = await createTestWriter('writer', { ...crypto }).writeRun(...numbered(4));
    const outer = await writer.writeRun(...numbered(10));
    const { verdicts } = await createStore().merge([outer, inner]);
    expect(verdicts).toEqual([{ kind: 'accepted', first: 0 }, { kind: 'fork' }]);
  });
});

describe('positions', () => {
  test('LOG14 a position whose run was merged into a larger row is still recognised', async () => {
    const [a, b] = [createTestWriter('a'), createTestWriter('b')];
    const store = createStore();
    const arrived: { position: number; id: Bytes | undefined }[] = [];
    for (let i = 0; i < 100; i++) {
      const run = await (i % 3 === 0 ? b : a).writeRun(...numbered(1, i));
      const { position } = await store.merge([run]);
      arrived.push({ position, id: run.ids[0] });
    }
    for (const { position, id } of arrived)
      expect((await store.arrival(position))?.id, `position ${position}`).toEqual(id);
    expect(await store.arrival(0)).toBeUndefined();
    expect(await store.arrival(101)).toBeUndefined();
  });

  test('LOG14 whoever reads on from any position gets the bodies that came later, merged rows or not', async () => {
    const writer = createTestWriter();
    const store = createStore();
    const long = await writer.writeRun(...numbered(5));
    await store.merge([await verified(await sliceRun(crypto, long.run, 0, 1))]);
    for (let i = 0; i < 10; i++) await store.merge([await writer.writeRun(...numbered(1, 5 + i))]);
    const before = await store.position();
    const idBefore = (await store.arrival(before))?.id;
    await store.merge([await verified(await sliceRun(crypto, long.run, 2, 4))]);
    for (let i = 0; i < 60; i++) await store.merge([await writer.writeRun(...numbered(1, 15 + i))]);
    for (let position = 0; position <= before; position++) {
      const { runs, level } = await store.after(position);
      expect(level).toBe(true);
      const bodies = new Set<number>();
      for (const run of runs) {
        for (const [i, entry] of run.entries.entries()) if (entry.content.form === 'body') bodies.add(run.first + i);
      }
      expect(
        [2, 3, 4].filter((sequence) => !bodies.has(sequence)),
        `not read from position ${position}`,
      ).toEqual([]);
    }
    expect((await store.arrival(before))?.id).toEqual(idBefore);
    expect(forms(await store.range(writer.log, 0, 74))).toEqual(Array.from({ length: 75 }, () => 'body'));
  });

  test('LOG14 bodies that came later do not take older positions away', async () => {
    const writer = createTestWriter();
    const store = createStore();
    const long = await writer.writeRun(...numbered(5));
    await store.merge([await verified(await sliceRun(crypto, long.run, 0, 1))]);
    await store.merge([await writer.writeRun(...numbered(1, 5))]);
    await store.merge([await verified(long.bytes)]);
    expect((await store.arrival(1))?.sequence).toBe(4);
    expect((await store.arrival(2))?.sequence).toBe(5);
    expect(await store.arrival(3)).toBeDefined();
  });
});
