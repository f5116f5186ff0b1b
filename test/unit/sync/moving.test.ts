import { expect, test } from 'vitest';
import type { Device } from '../../../core/engine/device.ts';
import { countUnsent } from '../../../core/engine/own-entries.ts';
import { itemToPage, unsentOf } from '../../../core/engine/page-item.ts';
import { ACKNOWLEDGED, FORKED, MOVING, vectorToText } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';
import { createResponder } from '../server/responder.ts';
import { deviceOf, openDevice, put } from './open-device.ts';

test('SYNC14 S1.2: what goes on in a new log is unsent all the while, whenever somebody asks', async () => {
  const rows = createMemoryRowStore();
  const counts: number[] = [];
  let onWrite = async (): Promise<void> => undefined;
  const replica = await openReplica({
    rows: {
      ...rows,
      async write(durability, body) {
        await onWrite();
        return rows.write(durability, body);
      },
    },
  });
  for (const key of ['a', 'b', 'c']) await replica.append([{ writes: [{ key, value: 1 }] }]);
  const log = replica.ownLog() ?? '';
  await replica.store.putValues({ [FORKED]: JSON.stringify([log]), [ACKNOWLEDGED]: vectorToText(new Map([[log, 1]])) });
  onWrite = async () => void counts.push(await countUnsent(replica));
  expect(await takeOtherBranch(replica)).toBe(true);
  onWrite = async () => undefined;
  counts.push(await countUnsent(replica));
  expect(counts.length).toBeGreaterThan(4);
  expect(counts.filter((count) => count !== 2)).toEqual([]);
});

test('SYNC4 S1.2: what was not sent before the key was lost is sent with the first exchange, though something was written since', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const before = await openDevice(at, rows);
  await put(before, 'a');
  expect(await before.syncNow('call')).toBe('level');
  await put(before, 'b');
  // As where a browser's update brings another cryptography than that of the stored key.
  await before.replica.store.putValues({ 'writer-seed': undefined });
  const device = await openDevice(at, rows);
  await put(device, 'c');
  expect(await device.syncNow('call')).toBe('level');
  const reader = await openDevice(at);
  expect(await reader.syncNow('call')).toBe('level');
  expect((await reader.replica.view.items('')).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
});

/** As where a browser's update brings another cryptography than that of the stored key. */
const loseKey = ({ replica }: Device): Promise<void> => replica.store.putValues({ 'writer-seed': undefined });

/** Whether a device knows of entries that wait, and sends them: all there is then, everywhere. */
async function expectUnsent(device: Device, ids: readonly string[], at: Responder): Promise<void> {
  expect((await device.status()).unsent).toBe(ids.length);
  expect(await device.exportUnsent()).toHaveLength(ids.length);
  for (const id of ids) expect(await device.settled(id)).toEqual({ state: 'unsent' });
  expect(await device.syncNow('call')).toBe('level');
  for (const id of ids) expect(await device.settled(id)).toEqual({ state: 'accepted' });
  const reader = await openDevice(at);
  expect(await reader.syncNow('call')).toBe('level');
  expect(await reader.replica.view.canonicalState()).toEqual(await device.replica.view.canonicalState());
}

test('SYNC4 PAGE11 what was written before the first exchange waits, though the key was lost', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const before = await openDevice(at, rows);
  const { id } = await put(before, 'a');
  await loseKey(before);
  await expectUnsent(await openDevice(at, rows), [id], at);
});

test('SYNC4 PAGE11 what waits when the key is lost a second time waits, once', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const first = await openDevice(at, rows);
  await put(first, 'a');
  expect(await first.syncNow('call')).toBe('level');
  const { id: b } = await put(first, 'b');
  await loseKey(first);
  const second = await openDevice(at, rows);
  const { id: c } = await put(second, 'c');
  await loseKey(second);
  await expectUnsent(await openDevice(at, rows), [b, c], at);
});

test('SYNC4 S1.1: a log that another context begins while this one starts is not left', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const late = await openReplica({ rows });
  const other = await openDevice(at, rows);
  const { log } = await put(other, 'a');
  const device = await deviceOf(at, late);
  expect(device.replica.ownLog()).toBe(log);
  expect((await put(other, 'b')).log).toBe(log);
  expect((await put(device, 'c')).log).toBe(log);
});

/** The keys of what is shown as not acknowledged yet. */
async function queued({ replica }: Device): Promise<string> {
  const isUnsent = await unsentOf(replica);
  const items = (await replica.view.items('')).map((item) => itemToPage(item, isUnsent));
  return items.flatMap(({ key, unsent }) => (unsent ? [key] : [])).join('');
}

test('CAP27 SYNC14 what goes on in a new log is queued until a server has it there, however often logs are left', async () => {
  const device = await openDevice(createResponder());
  const { sequence: from } = await put(device, 'a');
  expect(await device.syncNow('call')).toBe('level');
  await put(device, 'b');
  expect(await queued(device)).toBe('b');
  await device.replica.rotate('restored', from);
  expect(await queued(device)).toBe('b');
  await put(device, 'c');
  await device.replica.rotate('restored', -1);
  expect(await queued(device)).toBe('bc');
  await put(device, 'd');
  expect(await queued(device)).toBe('bcd');
  expect(await device.syncNow('call')).toBe('level');
  expect(await queued(device)).toBe('');
  await put(device, 'e');
  expect(await queued(device)).toBe('e');
  // As under another epoch of the server.
  await device.replica.store.putValues({ [ACKNOWLEDGED]: undefined });
  expect(await queued(device)).toBe('bcde');
});

test('CAP27 SYNC14 what is in a log that is being left is queued', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const device = await openDevice(at, rows);
  const { log, sequence: from } = await put(device, 'a');
  expect(await device.syncNow('call')).toBe('level');
  await put(device, 'b');
  await device.replica.store.putValues({ [MOVING]: JSON.stringify({ log, from }), 'writer-seed': undefined });
  await device.replica.catchUp();
  expect(device.replica.ownLog()).toBeUndefined();
  expect(await queued(device)).toBe('b');
});
