import { expect, test } from 'vitest';
import type { Device } from '../../../core/engine/device.ts';
import { ACKNOWLEDGED, FORKED, readMemory, vectorToText } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import type { Write } from '../../../core/log/body.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';
import { createResponder } from '../server/responder.ts';
import { openDevice, put } from './open-device.ts';

/** Names of logs are keys: what depends on their order is seen in some of so many. */
const TRIES = 8;

/** A server that refuses what is written under the key `bad`. */
function createStrictResponder(): Responder {
  const isBad = ([, key]: Write): boolean => key === 'bad';
  return createResponder({
    validate: ({ body: { writes } }) => (writes.some(isBad) ? { code: 'no', reason: 'not so' } : undefined),
  });
}

/** Leaves the own log: what of it no server acknowledged goes on in a new one. */
async function leaveLog({ replica }: Device): Promise<void> {
  const { acknowledged } = await readMemory(replica.store);
  await replica.rotate('restored', acknowledged.get(replica.ownLog() ?? '') ?? -1);
}

/** A life that dies while it leaves the own log, of which the server has another branch: the key is replaced, and no more. */
async function dieLeavingLog(rows: RowStore, log: string): Promise<void> {
  let writes = 0;
  const write: RowStore['write'] = (durability, body) =>
    writes++ < 3 ? rows.write(durability, body) : Promise.reject(new Error('killed'));
  const dying = await openReplica({ rows: { ...rows, write } });
  await dying.store.putValues({ [FORKED]: JSON.stringify([log]) });
  writes = 0;
  await expect(takeOtherBranch(dying)).rejects.toThrow('killed');
}

test('PAGE11 S1.2: what is asked of an entry is answered when the device goes on in another log, too', async () => {
  const device = await openDevice(createResponder());
  const sent = await put(device, 'a');
  expect(await device.syncNow('call')).toBe('level');
  const unsent = await put(device, 'b');
  await device.replica.rotate('restored', sent.sequence);
  expect(await device.settled(sent.id)).toEqual({ state: 'accepted' });
  expect(await device.settled(unsent.id)).toEqual({ state: 'unsent' });
  expect(await device.syncNow('call')).toBe('level');
  expect(await device.settled(unsent.id)).toEqual({ state: 'accepted' });
  expect(await device.settled('A'.repeat(43))).toEqual({ state: 'unknown' });
});

test('PAGE11 S2.26: an entry whose copy was refused is refused, though the log of the copy was left as well', async () => {
  const states: string[] = [];
  for (let n = 0; n < TRIES; n++) {
    const device = await openDevice(createStrictResponder());
    await put(device, 'ok');
    expect(await device.syncNow('call')).toBe('level');
    const bad = await put(device, 'bad');
    for (let times = 0; times < 2; times++) {
      await leaveLog(device);
      expect(await device.syncNow('call')).toBe('level');
      states.push((await device.settled(bad.id)).state);
    }
  }
  expect(new Set(states)).toEqual(new Set(['refused']));
});

test('PAGE11 SYNC14: an entry of a log that is being left, and of one left before, is unsent until the next one has it', async () => {
  const states: string[] = [];
  for (let n = 0; n < TRIES; n++) {
    const [at, rows] = [createResponder(), createMemoryRowStore()];
    const device = await openDevice(at, rows);
    await put(device, 'ok');
    expect(await device.syncNow('call')).toBe('level');
    const later = await put(device, 'later');
    await leaveLog(device);
    await device.replica.store.putValues({ [ACKNOWLEDGED]: vectorToText(new Map()) });
    await dieLeavingLog(rows, device.replica.ownLog() ?? '');
    const next = await openDevice(at, rows);
    states.push((await next.settled(later.id)).state);
    expect(await next.syncNow('call')).toBe('level');
    expect(await next.settled(later.id)).toEqual({ state: 'accepted' });
  }
  expect(new Set(states)).toEqual(new Set(['unsent']));
});

test('PAGE11 an entry that was just written is unsent, whatever large ones are before it', async () => {
  const device = await openDevice(createResponder());
  const states: string[] = [];
  for (let n = 0; n < 8; n++) {
    const { id } = await put(device, `large ${n}`, 'x'.repeat(900_000));
    states.push((await device.settled(id)).state);
  }
  expect(new Set(states)).toEqual(new Set(['unsent']));
});

test('S2.26 SYNC14: the status tells what was refused, also when its log was left', async () => {
  const device = await openDevice(createStrictResponder());
  const { id } = await put(device, 'bad');
  expect(await device.syncNow('call')).toBe('level');
  for (let times = 0; times < 2; times++) {
    expect((await device.status()).refused).toMatchObject([{ id, code: 'no' }]);
    await leaveLog(device);
  }
});

test('SYNC14 S2.20: what is unsent can be exported while its log is being left', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const device = await openDevice(at, rows);
  await put(device, 'sent');
  expect(await device.syncNow('call')).toBe('level');
  const { log, sequence } = await put(device, 'unsent');
  await dieLeavingLog(rows, log);
  const next = await openDevice(at, rows);
  expect((await next.status()).unsent).toBe(1);
  expect(await next.exportUnsent()).toMatchObject([{ log, sequence, writes: [['put', 'unsent', 'x', []]] }]);
});

test('S1.2 S2.27: followers learn that a log was left, though nothing of it went on: another context catches up with that', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const device = await openDevice(at, rows);
  const { id } = await put(device, 'sent');
  expect(await device.syncNow('call')).toBe('level');
  const other = await openDevice(at, rows);
  // As workers do.
  const caughtUp: Promise<void>[] = [];
  device.replica.follow(() => caughtUp.push(other.replica.catchUp()));
  await leaveLog(device);
  await Promise.all(caughtUp);
  expect(other.replica.ownLog()).toBe(device.replica.ownLog());
  expect(await device.syncNow('call')).toBe('level');
  expect((await other.status()).unsent).toBe(0);
  expect(await other.settled(id)).toEqual({ state: 'accepted' });
});

test('PAGE11 SYNC4: what is asked of an entry is answered when the key was lost, too', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const before = await openDevice(at, rows);
  const sent = await put(before, 'sent');
  expect(await before.syncNow('call')).toBe('level');
  const unsent = await put(before, 'unsent');
  // As where a browser's update brings another cryptography than that of the stored key.
  await before.replica.store.putValues({ 'writer-seed': undefined });
  const device = await openDevice(at, rows);
  await put(device, 'later');
  expect((await device.status()).unsent).toBe(2);
  expect(await device.exportUnsent()).toHaveLength(2);
  for (const state of ['unsent', 'accepted']) {
    expect(await device.settled(sent.id)).toEqual({ state: 'accepted' });
    expect(await device.settled(unsent.id)).toEqual({ state });
    expect(await device.syncNow('call')).toBe('level');
  }
});
