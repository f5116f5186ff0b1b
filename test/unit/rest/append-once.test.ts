import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { appendOnce } from '../../../core/engine/append-once.ts';
import type { Draft } from '../../../core/engine/replica.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { createDisk, openReplica } from './test-collection.ts';

const drafts = (count: number): Draft[] => Array.from({ length: count }, (_, n) => ({ writes: [{ key: `k${n}`, value: n }] }));

test('CAP30 an attempt that is repeated, also after a restart, appends nothing and gets the same answer', async () => {
  const disk = createDisk();
  const replica = await openReplica(disk);
  const first = await appendOnce(replica, 'one', drafts(3));
  expect(first.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  expect(await appendOnce(replica, 'one', drafts(3))).toEqual(first);
  const again = await openReplica(disk);
  expect(await appendOnce(again, 'one', drafts(3))).toEqual(first);
  expect(await appendOnce(again, 'two', drafts(1))).toMatchObject([{ sequence: 4 }]);
  expect((await again.store.heads())[0]?.sequence).toBe(4);
});

test('CAP30 an attempt that was cut between two transactions is finished, not begun anew', async () => {
  const disk = createDisk();
  const replica = await openReplica(disk);
  // As if the worker had been stopped after the first 4,096.
  let transactions = 0;
  const stopped: typeof replica.appendAllIf = async (count, prepare) =>
    transactions++ === 0 ? replica.appendAllIf(count, prepare) : Promise.reject(new Error('stopped'));
  await expect(appendOnce({ ...replica, appendAllIf: stopped }, 'bulk', drafts(5_000))).rejects.toThrow('stopped');
  const again = await openReplica(disk);
  const appended = await appendOnce(again, 'bulk', drafts(5_000));
  expect(appended.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
  expect(await again.view.item('k4999')).toMatchObject({ live: [{ value: 4_999, sequence: 5_000 }] });
});

test('CAP30 an attempt is found again whatever was appended since, in names that say nothing about their order', async () => {
  const replica = await openReplica(createDisk());
  const names = Array.from({ length: 600 }, (_, n) => `attempt-${(n * 7_919) % 104_729}-${(n * 104_723) % 7_919}`);
  const first = new Map<string, unknown>();
  for (const name of names) first.set(name, await appendOnce(replica, name, drafts(1)));
  for (const name of names) expect(await appendOnce(replica, name, drafts(1))).toEqual(first.get(name));
  expect((await replica.store.heads())[0]?.sequence).toBe(names.length);
});

test('CAP30 attempts whose entries are long past are forgotten, and only these', async () => {
  const replica = await openReplica(createDisk());
  await appendOnce(replica, 'old', drafts(1));
  await appendOnce(replica, 'bulk', drafts(4_600));
  await appendOnce(replica, 'new', drafts(512));
  await expect.poll(async () => [...(await replica.store.valuesUnder('attempt:')).keys()].toSorted()).toEqual(['attempt:bulk:4096', 'attempt:new']);
});

/** Of a form that is not known here, and no JSON at all. */
const UNREADABLE = ['{"log":"a","first":1,"id":"b","count":1}', '{', 'null', '{"entry":{"log":"a"}}'];

test('CAP30 an attempt of which nothing can be read was not remembered: it is made, and is remembered then', async () => {
  for (const text of UNREADABLE) {
    const replica = await openReplica(createDisk());
    await replica.store.putValues({ 'attempt:one': text });
    const once = await appendOnce(replica, 'one', drafts(2));
    expect(once, text).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect(await appendOnce(replica, 'one', drafts(2))).toEqual(once);
  }
});

test('CAP30 attempts of which nothing can be read are forgotten with those that are long past', async () => {
  const replica = await openReplica(createDisk());
  await appendOnce(replica, 'old', drafts(1));
  await replica.store.putValues(Object.fromEntries(UNREADABLE.map((text, n) => [`attempt:unreadable ${n}`, text])));
  await appendOnce(replica, 'bulk', drafts(4_600));
  await appendOnce(replica, 'new', drafts(512));
  await expect.poll(async () => [...(await replica.store.valuesUnder('attempt:')).keys()].toSorted()).toEqual(['attempt:bulk:4096', 'attempt:new']);
});

test('CAP30 S2.4: two contexts that are given one attempt at once, as two versions of a worker are, append it once', async () => {
  const disk = createDisk();
  const old = await openReplica(disk);
  await appendOnce(old, 'the first', drafts(1));
  const fresh = await openReplica(disk);
  for (let n = 0; n < 20; n++) {
    const [a, b] = await Promise.all([appendOnce(old, `attempt ${n}`, drafts(2)), appendOnce(fresh, `attempt ${n}`, drafts(2))]);
    expect(a).toEqual(b);
  }
  expect((await old.store.heads())[0]?.sequence).toBe(41);
});

test('CAP30 S2.4: an attempt that waits is looked up again when another context appended it meanwhile, whatever is committed before it', async () => {
  const disk = createDisk();
  const old = await openReplica(disk);
  await appendOnce(old, 'the first', drafts(1));
  let until: Promise<void> | undefined;
  const write: RowStore['write'] = async (durability, body) => {
    await until;
    return disk.rows.write(durability, body);
  };
  const fresh = await openReplica({ ...disk, rows: { ...disk.rows, write } });
  await fresh.append(drafts(1));
  const held = Promise.withResolvers<void>();
  until = held.promise;
  const before = fresh.append(drafts(1));
  await setImmediate();
  // It is looked up now, and waits for its turn behind the other one.
  const again = appendOnce(fresh, 'one', drafts(1));
  await setImmediate();
  const once = await appendOnce(old, 'one', drafts(1));
  held.resolve();
  await before;
  expect(await again).toEqual(once);
});

test('CAP30 attempts do not mix: a thousand names, each its own entry', async () => {
  const replica = await openReplica(createDisk());
  for (let n = 0; n < 1_000; n++) {
    const attempt = `attempt ${n}`;
    const once = await appendOnce(replica, attempt, drafts(1));
    expect(await appendOnce(replica, attempt, drafts(1))).toEqual(once);
    expect(once[0]?.sequence).toBe(n + 1);
  }
});

test('CAP30 S1.2: an attempt in a log that was just left is remembered, however soon the next one grows', async () => {
  const replica = await openReplica(createDisk());
  const first = await appendOnce(replica, 'before', drafts(1));
  await replica.rotate('restored', Number.MAX_SAFE_INTEGER);
  await appendOnce(replica, 'much', drafts(600));
  // Old ones are forgotten behind the answer, in a transaction before this one.
  await appendOnce(replica, 'more', drafts(1));
  expect(await appendOnce(replica, 'before', drafts(1))).toEqual(first);
  await appendOnce(replica, 'a great deal', drafts(4_600));
  await expect.poll(async () => [...(await replica.store.valuesUnder('attempt:')).keys()]).not.toContain('attempt:before');
});
