import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import { createFileCanary } from '../../../server/device/file-canary.ts';
import { createCacheCanary } from '../../../sw/cache-canary.ts';
import type { TestServer } from '../../support/test-server.ts';
import { makeTempDir, removeTempDirs, startTestServer } from '../../support/test-server.ts';

const MARK = { log: 'A'.repeat(43), sequence: 7 };

afterAll(removeTempDirs);

describe('a canary beside an SQLite file', () => {
  let server: TestServer;
  let path: string;

  beforeEach(async () => {
    server = await startTestServer({ space: 'garden' });
    path = join(await makeTempDir(), 'device.sqlite');
  });
  afterEach(() => server.stop());

  async function life(body: (device: NodeDevice) => Promise<void>): Promise<void> {
    const device = await openDevice({ url: server.url, space: 'garden', account: 'ann', live: false, store: { path } });
    try {
      await body(device);
    } finally {
      await device.close();
    }
  }

  test('SYNC14 S1.2: a database that is put back is noticed with the server out of reach; nothing is lost or doubled', async () => {
    let log: string | undefined;
    await life(async (device) => {
      await device.collection('n').put('1', 'first');
      await device.sync();
    });
    await cp(path, `${path}.backup`);
    await life(async (device) => {
      await device.collection('n').put('2', 'second');
      await device.sync();
      log = device.device.replica.ownLog();
    });
    await cp(`${path}.backup`, path);
    server.mischief = (_, response) => void response.status(500).end();
    await life(async (device) => {
      expect(device.device.replica.ownLog()).not.toBe(log);
      expect(await device.status()).toMatchObject({ setback: 'restored', unsent: 0 });
      await device.collection('n').put('3', 'third');
      expect(await device.sync()).toBe('offline');
      expect((await device.status()).setback).toBe('restored');
    });
    server.mischief = undefined;
    await life(async (device) => {
      expect(await device.sync()).toBe('level');
      const seen = (await device.collection<string>('n').list()).map(({ value }) => value);
      expect(new Set(seen)).toEqual(new Set(['first', 'second', 'third']));
      expect(seen).toHaveLength(3);
      expect(await device.status()).toMatchObject({ setback: undefined, unsent: 0, forks: [], conflicts: 0 });
    });
  });

  test('SYNC14: each account and space has its own; a file that is no mark means nothing', async () => {
    const [ann, ben] = ['ann', 'ben'].map((account) => createFileCanary(path, account, 'garden'));
    await ann?.cover(MARK);
    expect(await ann?.read()).toEqual(MARK);
    expect(await ben?.read()).toBeUndefined();
    const [name] = (await readdir(join(path, '..'))).filter((one) => one.includes('.canary-'));
    for (const text of ['', '{', 'null', '[]', '{"log":"x","sequence":1}', `{"log":"${MARK.log}"}`, `{"log":"${MARK.log}","sequence":1.5}`]) {
      await writeFile(join(path, '..', name ?? ''), text);
      expect(await ann?.read().catch(() => undefined)).toBeUndefined();
    }
  });
});

describe('a canary in Cache Storage', () => {
  afterEach(() => void vi.unstubAllGlobals());

  test('SYNC14 CAP37: each database has its own, and forgets it when it is deleted', async () => {
    const kept = new Map<string, Response>();
    const cache = {
      put: async (url: string, response: Response) => void kept.set(url, response),
      delete: async (url: string) => kept.delete(url),
    };
    vi.stubGlobal('caches', { open: async () => cache, match: async (url: string) => kept.get(url)?.clone() });
    const [ann, ben] = [createCacheCanary('wakelog:["ann","garden"]'), createCacheCanary('wakelog:["ben","garden"]')];
    expect(await ann.read()).toBeUndefined();
    await ann.cover(MARK);
    expect(await ann.read()).toEqual(MARK);
    expect(await ben.read()).toBeUndefined();
    await ben.remove();
    expect(await ann.read()).toEqual(MARK);
    await ann.remove();
    expect(await ann.read()).toBeUndefined();
    expect(kept.size).toBe(0);
  });
});
