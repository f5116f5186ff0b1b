import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SPACE } from '../log/test-writer.ts';
import { CBOR_HEADERS, JSON_HEADERS, send, syncBody } from './http.ts';
import { createAccountWriter } from './responder.ts';
import { makeFolder, startServer } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
});

afterAll(() => folder.remove());

describe('CAP6 files', () => {
  test('CAP6 switched off, both worker files are a worker that unregisters itself and touches no data', async () => {
    const off = await startServer({ dataDir: join(folder.path, 'off'), off: true });
    for (const file of ['sw.js', 'sw-ed25519.js']) {
      const answer = await send(`${off.url}/wakelog/${file}`);
      expect(answer.headers).toMatchObject({
        'service-worker-allowed': '/',
        'cache-control': 'no-cache',
        'content-type': 'text/javascript; charset=utf-8',
      });
      const listeners = new Map<string, (event: { waitUntil: (work: Promise<unknown>) => void }) => void>();
      const calls: string[] = [];
      const self = {
        addEventListener: (name: string, listener: (event: { waitUntil: (work: Promise<unknown>) => void }) => void) =>
          listeners.set(name, listener),
        skipWaiting: async () => calls.push('skipWaiting'),
        registration: { unregister: async () => calls.push('unregister') },
      };
      runInNewContext(answer.body.toString(), { self });
      for (const name of ['install', 'activate']) listeners.get(name)?.({ waitUntil: () => undefined });
      expect(calls).toEqual(['skipWaiting', 'unregister']);
      expect([...listeners.keys()]).toEqual(['install', 'activate']);
    }
    await off.stop();
  });

  test('CAP6 a server that stops answers what runs, refuses what comes, and its data opens again', async () => {
    const dataDir = join(folder.path, 'stopping');
    const first = await startServer({ dataDir, collections: ['/api/tasks'] });
    await send(`${first.url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body: '{"id":"a"}' });
    const [late, stopped] = await Promise.all([
      send(`${first.url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body: '{"id":"b"}' }).catch(
        () => undefined,
      ),
      first.stop(),
    ]);
    expect(stopped).toBeUndefined();
    expect([201, 503, undefined]).toContain(late?.status);
    const second = await startServer({ dataDir, collections: ['/api/tasks'] });
    const list = await send(`${second.url}/api/tasks`);
    expect(list.body.toString()).toContain('{"id":"a"}');
    expect(list.body.toString().includes('"b"')).toBe(late?.status === 201);
    await second.stop();
  });
});

describe('SYNC6 storage', () => {
  test('SYNC6 CAP25 a full disk refuses runs and writes as storage-full, and everything earlier stays readable', async () => {
    const full = await startServer({
      dataDir: join(folder.path, 'full'),
      collections: ['/api/tasks'],
      space: SPACE,
      maxDatabaseBytes: 3 * 2 ** 20,
    });
    const ann = await createAccountWriter('ann');
    const text = JSON.stringify({ writes: [['put', 'k', 'x'.repeat(300_000), []]] });
    const runs = [ann.opening, ...(await ann.runs(...Array.from({ length: 20 }, () => ({ text }))))];
    let acknowledged = -1;
    let refused: string | undefined;
    for (const run of runs) {
      const answer = await send(`${full.url}/wakelog/sync`, {
        method: 'POST',
        headers: CBOR_HEADERS,
        body: syncBody({ space: SPACE, runs: [run] }),
      });
      const response = decodeSyncResponse(new Uint8Array(answer.body));
      const space = typeof response === 'string' ? undefined : response.spaces[0];
      refused = space?.refused[0]?.code;
      if (refused !== undefined) break;
      acknowledged = space?.acknowledged.get(ann.log) ?? -1;
    }
    expect(refused).toBe('storage-full');
    expect(acknowledged).toBeGreaterThan(0);
    const body = JSON.stringify({ text: 'x'.repeat(900_000) });
    const write = await send(`${full.url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body });
    expect([write.status, write.code]).toEqual([507, 'storage-full']);
    const answer = await send(`${full.url}/wakelog/sync`, {
      method: 'POST',
      headers: CBOR_HEADERS,
      body: syncBody({ space: SPACE, vector: new Map() }, 'ben'),
    });
    const read = decodeSyncResponse(new Uint8Array(answer.body));
    expect(typeof read === 'string' ? read : read.spaces[0]?.acknowledged.get(ann.log)).toBe(acknowledged);
    await full.stop();
  });
});
