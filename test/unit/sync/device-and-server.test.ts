import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestHandler } from 'express';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { NodeDevice, OpenDeviceOptions } from '../../../server/device/index.ts';
import { openDevice } from '../../../server/device/index.ts';
import type { TestServer, TestServerOptions } from '../../support/test-server.ts';
import { makeTempDir, removeTempDirs, startTestServer } from '../../support/test-server.ts';

const open: { close?: () => Promise<void>; stop?: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await (thing.close ?? thing.stop)?.();
});
afterAll(removeTempDirs);

async function server(options: TestServerOptions = {}): Promise<TestServer> {
  const started = await startTestServer({ space: 'garden', ...options });
  open.push(started);
  return started;
}

async function device({ url }: Pick<TestServer, 'url'>, options: Partial<OpenDeviceOptions> = {}): Promise<NodeDevice> {
  const opened = await openDevice({ url, space: 'garden', account: 'ann', live: false, ...options });
  open.push(opened);
  return opened;
}

async function end(thing: NodeDevice | TestServer): Promise<void> {
  open.splice(open.indexOf(thing), 1);
  await ('close' in thing ? thing.close() : thing.stop());
}

const values = async (from: NodeDevice): Promise<unknown[]> =>
  (await from.collection('n').list()).map(({ value }) => value);
const sortedValues = async (from: NodeDevice): Promise<unknown[]> =>
  (await values(from)).map(String).toSorted((a, b) => (a < b ? -1 : 1));
const state = (of: NodeDevice): Promise<string> => of.device.replica.view.canonicalState();

async function write(to: NodeDevice, first: number, count: number): Promise<void> {
  for (let i = first; i < first + count; i++) await to.collection('n').put(`${i}`, i);
}

describe('a device and its server', () => {
  test('SYNC1 S2.13: what one device writes is in the other, with the same state', async () => {
    const at = await server();
    const [a, b] = [await device(at), await device(at, { account: 'ben' })];
    await write(a, 0, 5);
    expect((await a.status()).unsent).toBeGreaterThanOrEqual(0);
    expect(await a.sync()).toBe('level');
    expect((await a.status()).unsent).toBe(0);
    expect(await b.sync()).toBe('level');
    expect(await values(b)).toEqual([0, 1, 2, 3, 4]);
    expect(await state(b)).toBe(await state(a));
  });

  test('S1.4: level devices send and get no entries', async () => {
    const at = await server();
    const a = await device(at);
    await write(a, 0, 3);
    await a.sync();
    let bytes = 0;
    at.mischief = (request, _, next) => {
      bytes += Number(request.headers['content-length'] ?? 0);
      next();
    };
    expect(await a.sync()).toBe('level');
    expect(bytes).toBeLessThan(150);
  });

  test('SYNC2: a backlog larger than a frame arrives whole, in rounds', { timeout: 60_000 }, async () => {
    const at = await server();
    const [a, b] = [await device(at), await device(at)];
    const text = 'x'.repeat(900);
    await a.appendMany(Array.from({ length: 8_000 }, (_, i) => ({ writes: [{ key: `n/${i}`, value: { i, text } }] })));
    expect(await a.sync()).toBe('level');
    expect(await b.sync()).toBe('level');
    expect(await state(b)).toBe(await state(a));
    expect(await b.collection('n').list()).toHaveLength(8_000);
  });

  const answers: readonly (readonly [string, RequestHandler, string])[] = [
    ['an error of the server (500)', (_, response) => void response.status(500).send('oops'), 'offline'],
    ['a captive portal (HTML, 200)', (_, response) => void response.type('html').send('<form>Wi-Fi</form>'), 'offline'],
    ['an empty 200', (_, response) => void response.end(), 'offline'],
    [
      'a 200 of the right type and the wrong bytes',
      (_, response) => void response.type('application/wakelog+cbor').send(Buffer.from('a1617601', 'hex')),
      'offline',
    ],
    ['a redirect', (_, response) => response.redirect('/login'), 'offline'],
    ['a 401', (_, response) => void response.status(401).end(), 'needs-auth'],
    ['a 503 with Retry-After', (_, response) => void response.status(503).set('retry-after', '600').end(), 'waiting'],
    [
      'a connection that is cut',
      (request) => {
        request.socket.destroy();
      },
      'offline',
    ],
  ];
  for (const [what, answer, outcome] of answers) {
    test(`SYNC5: ${what} counts nothing as sent, and nothing is lost`, async () => {
      const at = await server();
      const a = await device(at);
      at.mischief = answer;
      await write(a, 0, 3);
      expect(await a.sync()).toBe(outcome);
      expect(await a.status()).toMatchObject({ unsent: 3, connection: outcome });
      at.mischief = undefined;
      const retried = outcome === 'needs-auth' ? await a.signIn() : await a.sync();
      // A pause that the server asked for is kept.
      expect(retried).toBe(outcome === 'waiting' ? 'waiting' : 'level');
      expect((await a.status()).unsent).toBe(outcome === 'waiting' ? 3 : 0);
    });
  }

  test('SYNC2 S1.5: an answer lost after the commit is asked for again, and nothing is there twice', async () => {
    const at = await server();
    const [a, b] = [await device(at), await device(at)];
    await write(a, 0, 3);
    at.mischief = (_, response, next) => {
      response.end = () => response.destroy();
      next();
    };
    expect(await a.sync()).toBe('offline');
    at.mischief = undefined;
    expect(await a.sync()).toBe('level');
    await b.sync();
    expect(await values(b)).toEqual([0, 1, 2]);
    const own = a.device.replica.ownLog() ?? '';
    expect((await b.device.replica.store.head(own))?.sequence).toBe(3);
  });

  test('SYNC3 SYNC4: a wiped server is noticed, and gets back what it lacks', async () => {
    const first = await server();
    const port = Number(new URL(first.url).port);
    const [a, b] = [await device(first), await device(first)];
    await write(a, 0, 4);
    await a.sync();
    await b.sync();
    await write(b, 4, 2);
    await b.sync();
    await end(first);
    const wiped = await server({ port });
    expect(await b.sync()).toBe('level');
    expect(await a.sync()).toBe('level');
    const fresh = await device(wiped);
    await fresh.sync();
    expect(await sortedValues(fresh)).toEqual(['0', '1', '2', '3', '4', '5']);
    for (const one of [a, b]) expect((await one.status()).unsent).toBe(0);
  });

  test('SYNC3 SYNC4: a server restored from an older backup is noticed, and gets back what it lost', async () => {
    const dataDir = await makeTempDir();
    const backup = join(await makeTempDir(), 'backup');
    const first = await server({ dataDir });
    const port = Number(new URL(first.url).port);
    const a = await device(first);
    await write(a, 0, 2);
    await a.sync();
    await end(first);
    await cp(join(dataDir, 'wakelog.sqlite'), backup);
    const second = await server({ dataDir, port });
    await write(a, 2, 3);
    expect(await a.sync()).toBe('level');
    await end(second);
    for (const name of ['wakelog.sqlite', 'wakelog.sqlite-wal', 'wakelog.sqlite-shm'])
      await rm(join(dataDir, name), { force: true });
    await cp(backup, join(dataDir, 'wakelog.sqlite'));
    const restored = await server({ dataDir, port });
    expect(await a.sync()).toBe('level');
    const fresh = await device(restored);
    await fresh.sync();
    expect(await values(fresh)).toEqual([0, 1, 2, 3, 4]);
  });

  test('S1.10 S1.2 LOG16: two copies of a device that both write: one goes on in a new log, and no write is lost or doubled', async () => {
    const at = await server();
    const dir = await makeTempDir();
    const original = await device(at, { store: { path: join(dir, 'a.sqlite') } });
    await write(original, 0, 2);
    await original.sync();
    await end(original);
    await cp(join(dir, 'a.sqlite'), join(dir, 'copy.sqlite'));
    const [a, copy] = [
      await device(at, { store: { path: join(dir, 'a.sqlite') } }),
      await device(at, { store: { path: join(dir, 'copy.sqlite') } }),
    ];
    await write(a, 10, 2);
    await a.sync();
    await write(copy, 20, 3);
    expect(await copy.sync()).toBe('level');
    expect(copy.device.replica.ownLog()).not.toBe(a.device.replica.ownLog());
    await a.sync();
    const reader = await device(at);
    await reader.sync();
    expect(await sortedValues(reader)).toEqual(['0', '1', '10', '11', '20', '21', '22']);
    for (const one of [a, copy]) expect(await sortedValues(one)).toEqual(['0', '1', '10', '11', '20', '21', '22']);
    for (const one of [a, copy, reader]) expect((await one.status()).forks).toEqual([a.device.replica.ownLog()]);
  });

  test('S1.2 SYNC12: a device restored from a backup reads its later entries from the server, and goes on in a new log', async () => {
    const at = await server();
    const dir = await makeTempDir();
    const path = join(dir, 'device.sqlite');
    const before = await device(at, { store: { path } });
    await write(before, 0, 2);
    await before.sync();
    await end(before);
    await cp(path, join(dir, 'backup.sqlite'));
    const later = await device(at, { store: { path } });
    await write(later, 2, 2);
    await later.sync();
    const oldLog = later.device.replica.ownLog();
    await end(later);
    const restored = await device(at, { store: { path: join(dir, 'backup.sqlite') } });
    await restored.sync();
    expect(restored.device.replica.ownLog()).not.toBe(oldLog);
    await write(restored, 4, 1);
    expect(await restored.sync()).toBe('level');
    const reader = await device(at);
    await reader.sync();
    for (const one of [restored, reader]) expect(await values(one)).toEqual([0, 1, 2, 3, 4]);
    expect((await reader.device.replica.store.head(oldLog ?? ''))?.sequence).toBe(4);
  });

  test('SYNC8 S2.26: an entry that the server objects to is taken, refused, told, and left out everywhere', async () => {
    const at = await server({
      validate: ({ body }) =>
        JSON.stringify(body.writes).includes('spam') ? { code: 'forbidden', reason: 'no spam here' } : undefined,
    });
    const [a, b] = [await device(at), await device(at)];
    const good = await a.append({ writes: [{ key: 'n/1', value: 'good' }] });
    const bad = await a.append({ writes: [{ key: 'n/1', value: 'spam' }] });
    const after = await a.append({ writes: [{ key: 'n/2', value: 'after' }] });
    expect(await a.sync()).toBe('level');
    await b.sync();
    for (const one of [a, b]) expect(await sortedValues(one)).toEqual(['after', 'good']);
    expect(await a.settled(bad.id)).toEqual({ state: 'refused', code: 'forbidden', reason: 'no spam here' });
    expect(await a.settled(good.id)).toEqual({ state: 'accepted' });
    expect(await a.settled(after.id)).toEqual({ state: 'accepted' });
    expect((await a.status()).refused).toMatchObject([{ id: bad.id }]);
    expect(await state(a)).toBe(await state(b));
  });

  test(
    'SYNC11: a live connection brings entries as they arrive, and comes back after the server was away',
    { timeout: 60_000 },
    async () => {
      const first = await server();
      const port = Number(new URL(first.url).port);
      const [a, b] = [await device(first), await device(first, { live: true })];
      await a.sync();
      await b.sync();
      const sees = (key: string): Promise<void> =>
        new Promise((resolve) => {
          const stop = b.follow((keys) => {
            if (!keys.includes(key)) return;
            stop();
            resolve();
          });
        });
      const one = sees('n/1');
      await write(a, 1, 1);
      await a.sync();
      await one;
      await end(first);
      const two = sees('n/2');
      await server({ dataDir: first.dataDir, port });
      await write(a, 2, 1);
      expect(await a.sync()).toBe('level');
      await two;
      expect(await values(b)).toEqual([1, 2]);
    },
  );
});
