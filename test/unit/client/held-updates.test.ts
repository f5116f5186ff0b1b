import { afterAll, afterEach, expect, test } from 'vitest';

import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import { removeTempDirs, startTestServer } from '../../support/test-server.ts';

/* What the ribbon stands on, in the engine: with a real server and the devices of Node. */

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(removeTempDirs);

async function openSpace(): Promise<{
  readonly writer: NodeDevice;
  readonly openReader: (live: boolean) => Promise<NodeDevice>;
}> {
  const server = await startTestServer({ space: 'held' });
  ends.push(server.stop);
  const open = async (live: boolean): Promise<NodeDevice> => {
    const device = await openDevice({ url: server.url, space: 'held', account: 'ann', live });
    ends.push(device.close);
    return device;
  };
  return {
    writer: await open(false),
    async openReader(live) {
      const reader = await open(live);
      reader.device.replica.hold(true);
      return reader;
    },
  };
}

const titles = async (device: NodeDevice): Promise<unknown[]> =>
  (await device.collection('n').list()).map(({ value }) => value);

async function write(writer: NodeDevice, ...values: string[]): Promise<void> {
  for (const value of values) await writer.collection('n').put(value, value);
  await writer.sync();
}

test('PAGE6 the first contact is no update, whatever is held; everything after it waits', async () => {
  const { writer, openReader } = await openSpace();
  await write(writer, 'a', 'b');
  const reader = await openReader(false);
  expect(await reader.sync()).toBe('level');
  expect(await titles(reader)).toEqual(['a', 'b']);
  expect(await reader.status()).toMatchObject({ updatesReady: 0 });

  await write(writer, 'c');
  expect(await reader.sync()).toBe('level');
  expect(await titles(reader)).toEqual(['a', 'b']);
  expect(await reader.status()).toMatchObject({ updatesReady: 1 });
  await write(writer, 'd');
  expect(await reader.sync()).toBe('level');
  expect(await reader.status()).toMatchObject({ updatesReady: 2 });
  expect(await reader.device.replica.release()).toEqual(expect.arrayContaining(['n/c', 'n/d']));
  expect(await titles(reader)).toEqual(['a', 'b', 'c', 'd']);
});

test('PAGE6 what waits is told by the status, though it changes no view', async () => {
  const { writer, openReader } = await openSpace();
  await write(writer, 'a');
  const reader = await openReader(true);
  await reader.sync();
  await expect.poll(async () => (await reader.status()).connection).toBe('live');
  let told = 0;
  const stop = reader.device.followStatus(() => {
    // The last change is told while the device closes; its status cannot be read any more.
    reader.status().then(
      ({ updatesReady }) => (told = updatesReady),
      () => undefined,
    );
  });
  ends.push(async () => stop());
  await write(writer, 'b', 'c');
  await expect.poll(() => told).toBe(2);
  expect(await titles(reader)).toEqual(['a']);
});
