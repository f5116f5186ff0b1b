import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { nodeWriterSeeds } from '../../../server/crypto/node-writer-key.ts';
import { createNodePorts } from '../../../server/device/node-ports.ts';
import { nodeFiles } from '../../../server/spaces/atomic-file.ts';
import { openAuthorityKeys } from '../../../server/spaces/authority-keys.ts';
import { createCanary, readMark } from '../../../server/spaces/canary.ts';
import type { OpenSpace } from '../../../server/spaces/open-space.ts';
import { openSpace } from '../../../server/spaces/open-space.ts';
import { createSpaces } from '../../../server/spaces/spaces.ts';
import type { LogLine } from './start-server.ts';
import { createCollectingLog, makeFolder } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let lines: LogLine[];

beforeEach(async () => {
  folder = await makeFolder();
  lines = [];
});

afterEach(() => folder.remove());

function open(rows: RowStore, name = 'team'): Promise<OpenSpace> {
  const store = createServingLogStore({ ...rows, close: async () => undefined }, createNodeCrypto());
  const viewStore = createMemoryViewStore();
  const log = createCollectingLog(lines);
  return openSpace({
    name,
    dataDir: folder.path,
    files: nodeFiles,
    seeds: nodeWriterSeeds,
    store,
    viewStore,
    baseEpoch: 'base',
    createPorts: createNodePorts,
    log,
  });
}

async function state(space: OpenSpace): Promise<void> {
  await space.prepareOwnLog();
  await space.replica.state([{ kind: 'enrol', log: 'A'.repeat(43), account: 'ann' }]);
  await space.cover();
}

describe('SYNC4 a store that lost something', () => {
  test('SYNC4 the own head is in the canary file before own entries leave; the position follows', async () => {
    const space = await open(createMemoryRowStore());
    await state(space);
    const [file = ''] = await readdir(join(folder.path, 'canary'));
    const own = space.replica.ownLog();
    expect(await readMark(join(folder.path, 'canary', file), nodeFiles)).toEqual({
      epoch: 'base',
      position: 1,
      own: { log: own, sequence: 1 },
    });
    await space.close();
  });

  test('SYNC4 the same database goes on with its epoch and own log', async () => {
    const rows = createMemoryRowStore();
    const first = await open(rows);
    await state(first);
    const [epoch, own] = [first.epoch(), first.replica.ownLog()];
    await first.close();
    const second = await open(rows);
    await state(second);
    expect([second.epoch(), second.replica.ownLog(), second.authorities()]).toEqual([epoch, own, [own]]);
    await second.close();
  });

  test('SYNC4 an emptied one takes a new epoch and a new own log; both logs speak for the server', async () => {
    const first = await open(createMemoryRowStore());
    await state(first);
    await first.close();
    const second = await open(createMemoryRowStore());
    expect(second.epoch()).not.toBe(first.epoch());
    await state(second);
    expect(second.authorities()).toEqual([first.replica.ownLog(), second.replica.ownLog()]);
    expect(new Set(second.authorities()).size).toBe(2);
    await second.close();
  });

  test('SYNC4 a key whose log is gone is never used again, also without a canary file', async () => {
    const first = await open(createMemoryRowStore());
    await state(first);
    await first.close();
    await rm(join(folder.path, 'canary'), { recursive: true });
    const second = await open(createMemoryRowStore());
    await state(second);
    expect(second.replica.ownLog()).not.toBe(first.replica.ownLog());
    await second.close();
  });

  test('SYNC4 a space that nobody wrote to leaves no file behind', async () => {
    const space = await open(createMemoryRowStore());
    await space.close();
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('files of a space', () => {
  test('SYNC4 keys are read by their owner only, and a broken file stops the space, not the server', async () => {
    const path = join(folder.path, 'keys', 'a.json');
    const keys = await openAuthorityKeys(path, nodeFiles, nodeWriterSeeds);
    expect([await keys.current(), keys.logs()]).toEqual([undefined, []]);
    await keys.replace();
    await keys.replace();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await openAuthorityKeys(path, nodeFiles, nodeWriterSeeds)).logs()).toEqual(keys.logs());
    expect(keys.logs()).toHaveLength(2);
    for (const text of ['', '{}', '{"seed":"AA","logs":[]}', '{"seed":"AA","logs":["x"]}']) {
      await writeFile(path, text);
      await expect(openAuthorityKeys(path, nodeFiles, nodeWriterSeeds)).rejects.toThrow();
    }
    await writeFile(path, '{"epoch":1}');
    await expect(readMark(path, nodeFiles)).rejects.toThrow('is not a canary file');
  });

  test('SYNC4 a mark is written once for many, whole or not at all, and no unfinished file stays', async () => {
    const path = join(folder.path, 'canary', 'a.json');
    const canary = createCanary(path, nodeFiles, createCollectingLog(lines));
    const mark = (sequence: number, position = sequence): Parameters<typeof canary.cover>[0] => ({
      epoch: 'e',
      position,
      own: { log: 'l', sequence },
    });
    await Promise.all([3, 1, 2].map((sequence) => canary.cover(mark(sequence))));
    expect(await readMark(path, nodeFiles)).toEqual(mark(3));
    await canary.cover(mark(3, 9));
    expect(await readMark(path, nodeFiles)).toEqual(mark(3));
    await canary.close();
    expect(await readMark(path, nodeFiles)).toEqual(mark(3, 9));
    expect(await readdir(join(folder.path, 'canary'))).toEqual(['a.json']);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(mark(3, 9));
  });
});

describe('CAP7 many spaces', () => {
  test('CAP7 at most 256 spaces stay open, those in use always do, and a closed one opens again with what it had', async () => {
    const rowsByName = new Map<string, RowStore>();
    let opened = 0;
    const spaces = createSpaces((name) => {
      opened += 1;
      const rows = rowsByName.get(name) ?? createMemoryRowStore();
      rowsByName.set(name, rows);
      return open(rows, name);
    }, createCollectingLog(lines));
    let finish = (): void => undefined;
    const used = spaces.use('used', async (space) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return space.store.position();
    });
    await spaces.use('first', (space) => state(space));
    for (let i = 0; i < 300; i++) await spaces.use(`space ${i}`, async () => undefined);
    expect(spaces.openCount()).toBe(256);
    expect(opened).toBe(302);
    expect(await spaces.use('first', ({ store }) => store.position())).toBe(1);
    expect(opened).toBe(303);
    finish();
    expect(await used).toBe(0);
    await spaces.close();
    expect(spaces.openCount()).toBe(0);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('CAP7 a space that could not be opened is tried again', async () => {
    let tries = 0;
    const spaces = createSpaces(async (name) => {
      tries += 1;
      if (tries === 1) throw new Error('not now');
      return open(createMemoryRowStore(), name);
    }, createCollectingLog(lines));
    await expect(spaces.use('a', async () => undefined)).rejects.toThrow('not now');
    expect(await spaces.use('a', async ({ name }) => name)).toBe('a');
    await spaces.close();
  });
});
