import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeDevice } from '../../../server/device/index.ts';
import { openDevice } from '../../../server/device/index.ts';
import type { WakelogOptions } from '../../../server/index.ts';
import type { TestServer } from './start-server.ts';
import { makeFolder, startServer } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let server: TestServer;
const devices: NodeDevice[] = [];

async function start(options: Partial<WakelogOptions> = {}): Promise<void> {
  server = await startServer({ dataDir: join(folder.path, 'data'), ...options });
}

async function device(account: string, space = 'team'): Promise<NodeDevice> {
  const opened = await openDevice({ url: server.url, space, account, live: false });
  devices.push(opened);
  return opened;
}

beforeEach(async () => {
  folder = await makeFolder();
  await start();
});

afterEach(async () => {
  for (const opened of devices.splice(0)) await opened.close();
  await server.stop();
  await folder.remove();
});

function put(key: string, value: string): { writes: [{ key: string; value: string }] } {
  return { writes: [{ key, value }] };
}

test('SYNC1 what one device writes another one reads, and nothing comes back to its writer', async () => {
  const [ann, bob] = [await device('ann'), await device('bob')];
  await ann.appendMany([put('a', '1'), put('b', '2')]);
  expect(await ann.sync()).toBe('level');
  expect(await bob.sync()).toBe('level');
  expect((await bob.device.replica.view.item('a'))?.live[0].value).toBe('1');
  expect((await ann.status()).unsent).toBe(0);
  await bob.append(put('a', '3'));
  expect(await bob.sync()).toBe('level');
  expect(await ann.sync()).toBe('level');
  expect((await ann.device.replica.view.item('a'))?.live.map(({ value }) => value)).toEqual(['3']);
  expect(await ann.device.replica.view.canonicalState()).toBe(await bob.device.replica.view.canonicalState());
});

test('SYNC4 a wiped server is noticed, and gets back what devices have of everybody', async () => {
  const [ann, bob] = [await device('ann'), await device('bob')];
  await ann.append(put('a', '1'));
  await bob.append(put('b', '2'));
  for (const each of [ann, bob, ann]) expect(await each.sync()).toBe('level');
  const url = server.url;
  await server.stop();
  await rm(join(folder.path, 'data', 'wakelog.sqlite'));
  await restartAt(url);
  expect(server.lines.filter(({ message }) => message.includes('restored backup'))).toEqual([]);
  expect(await ann.sync()).toBe('level');
  const cy = await device('cy');
  expect(await cy.sync()).toBe('level');
  expect((await cy.device.replica.view.items('')).map(({ key }) => key)).toEqual(['a', 'b']);
  expect(server.lines.some(({ message }) => message.includes('restored backup'))).toBe(true);
});

test('SYNC4 a restored backup is noticed by the canary file; the new own log leaves the old one whole', async () => {
  const [ann, bob] = [await device('ann'), await device('bob')];
  await ann.append(put('a', '1'));
  expect(await ann.sync()).toBe('level');
  const url = server.url;
  const data = join(folder.path, 'data');
  await server.stop();
  await cp(join(data, 'wakelog.sqlite'), join(folder.path, 'backup'));
  await restartAt(url);
  await bob.append(put('b', '2'));
  await ann.append(put('a', '3'));
  expect(await bob.sync()).toBe('level');
  expect(await ann.sync()).toBe('level');
  await server.stop();
  await rm(join(data, 'wakelog.sqlite'));
  await cp(join(folder.path, 'backup'), join(data, 'wakelog.sqlite'));
  await restartAt(url);
  expect(await ann.sync()).toBe('level');
  expect(await bob.sync()).toBe('level');
  const cy = await device('cy');
  expect(await cy.sync()).toBe('level');
  expect((await cy.device.replica.view.items('')).map(({ live }) => live[0].value)).toEqual(['3', '2']);
  expect(await cy.device.replica.store.forks()).toEqual([]);
  expect(cy.device.replica.authorities()).toHaveLength(2);
});

test('SYNC4 a backup restored together with its canary file is noticed by a device, before anything is lost', async () => {
  const ann = await device('ann');
  await ann.append(put('a', '1'));
  expect(await ann.sync()).toBe('level');
  const url = server.url;
  const data = join(folder.path, 'data');
  await server.stop();
  await cp(data, join(folder.path, 'backup'), { recursive: true });
  await restartAt(url);
  await ann.append(put('b', '2'));
  expect(await ann.sync()).toBe('level');
  await server.stop();
  await rm(data, { recursive: true });
  await cp(join(folder.path, 'backup'), data, { recursive: true });
  await restartAt(url);
  expect(await ann.sync()).toBe('level');
  const bob = await device('bob');
  expect(await bob.sync()).toBe('level');
  expect((await bob.device.replica.view.items('')).map(({ key }) => key)).toEqual(['a', 'b']);
  expect(server.lines.some(({ message }) => message.startsWith('new epoch'))).toBe(true);
});

/** Devices know the server by its address: a restarted one has to have it again. */
async function restartAt(url: string): Promise<void> {
  server = await startServer({ dataDir: join(folder.path, 'data') }, Number(new URL(url).port));
}
