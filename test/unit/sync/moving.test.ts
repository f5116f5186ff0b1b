import { expect, test } from 'vitest';
import { createDevice } from '../../../core/engine/create-device.ts';
import type { Device } from '../../../core/engine/device.ts';
import { countUnsent } from '../../../core/engine/own-entries.ts';
import type { Transport } from '../../../core/engine/ports.ts';
import type { Appended, Draft } from '../../../core/engine/replica.ts';
import { ACKNOWLEDGED, FORKED, vectorToText } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { nodeClock } from '../../../server/device/node-ports.ts';
import { openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';
import { createResponder } from '../server/responder.ts';

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

/** A life of one device, on what an earlier one left. */
async function openDevice(at: Responder, rows: RowStore): Promise<Device> {
  const transport: Transport = {
    async sync(body) {
      const request = decodeSyncRequest(body);
      const [part] = typeof request === 'string' ? [] : request.spaces;
      if (part === undefined) throw new Error('a request');
      return { status: 200, contentType: SYNC_CONTENT_TYPE, retryAfterMs: undefined, body: encodeSyncResponse({ time: 1, spaces: [await at.ask(part)] }) };
    },
    live: async () => 'ended',
  };
  return createDevice({ replica: await openReplica({ rows }), name: 'd', transport, clock: nodeClock, random: Math.random, crypto: createNodeCrypto() });
}

test('SYNC4 S1.2: what was not sent before the key was lost is sent with the first exchange, though something was written since', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const put = (key: string): Draft[] => [{ writes: [{ key, value: 1 }] }];
  const before = await openDevice(at, rows);
  await before.replica.append(put('a'));
  expect(await before.syncNow('call')).toBe('level');
  await before.replica.append(put('b'));
  // As where a browser's update brings another cryptography than that of the stored key.
  await before.replica.store.putValues({ 'writer-seed': undefined });
  const device = await openDevice(at, rows);
  await device.replica.append(put('c'));
  expect(await device.syncNow('call')).toBe('level');
  const reader = await openDevice(at, createMemoryRowStore());
  expect(await reader.syncNow('call')).toBe('level');
  expect((await reader.replica.view.items('')).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
});

test('PAGE11 S1.2: what is asked of an entry is answered when the device goes on in another log, too', async () => {
  const at = createResponder();
  const device = await openDevice(at, createMemoryRowStore());
  const put = async (key: string): Promise<Appended> => {
    const [appended] = await device.replica.append([{ writes: [{ key, value: 1 }] }]);
    if (appended === undefined) throw new Error('one draft makes one entry');
    return appended;
  };
  const sent = await put('a');
  expect(await device.syncNow('call')).toBe('level');
  const unsent = await put('b');
  await device.replica.rotate('restored', sent.sequence);
  expect(await device.settled(sent.id)).toEqual({ state: 'accepted' });
  expect(await device.settled(unsent.id)).toEqual({ state: 'unsent' });
  expect(await device.syncNow('call')).toBe('level');
  expect(await device.settled(unsent.id)).toEqual({ state: 'accepted' });
  expect(await device.settled('A'.repeat(43))).toEqual({ state: 'unknown' });
});
