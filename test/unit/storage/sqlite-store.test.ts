import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ArrivalRow } from '../../../core/log/row-store.ts';
import type { SqliteStore } from '../../../server/storage/sqlite-store.ts';
import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';
import { openDatabase } from '../../../server/storage/sqlite-library.ts';

let folder: string;
let path: string;
const opened: SqliteStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wakelog-sqlite-'));
  path = join(folder, 'logs.db');
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

function open(options?: { maxBytes: number }): SqliteStore {
  const store = openSqliteStore(path, options);
  opened.push(store);
  return store;
}

const PRAGMAS = ['journal_mode', 'synchronous', 'fullfsync', 'checkpoint_fullfsync', 'page_size'] as const;
const arrival = (position: number): ArrivalRow => ({
  position,
  log: 'a log',
  first: position,
  last: position,
  bytes: 1,
});

test('LOG18 every connection, the first and a later one, writes durably: WAL, synchronous=FULL, 16 KB pages', async () => {
  for (const store of [open(), open()]) {
    const settings = (sql: Parameters<Parameters<SqliteStore['read']>[0]>[0]): unknown[] =>
      PRAGMAS.map((name) => Object.values(sql.get(`PRAGMA ${name}`) ?? {})[0]);
    expect(await store.read(settings)).toEqual(['wal', 2, 1, 1, 16_384]);
    expect(await store.transaction(settings)).toEqual(['wal', 2, 1, 1, 16_384]);
  }
});

test('LOG18 a database that cannot be written durably is not opened at all', () => {
  expect(() => openSqliteStore(':memory:')).toThrow(/cannot be written durably: journal_mode is memory/);
});

test('LOG18 everything acknowledged before SIGKILL is there afterwards, whole and without a gap', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('append-until-killed.ts', import.meta.url)), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let acknowledged = 0;
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line);
    if (acknowledged >= 300) child.kill('SIGKILL');
  }
  await exited;
  expect(acknowledged).toBeGreaterThanOrEqual(300);
  const { rows } = open().space('a');
  const [arrivals, position] = await rows.read(
    async (tx) => [await tx.arrivalsAfter(0, 1_000_000), await tx.value('position')] as const,
  );
  expect(arrivals.length).toBeGreaterThanOrEqual(acknowledged);
  expect(arrivals.map((row) => row.position)).toEqual(arrivals.map((_, i) => i + 1));
  expect(Number(position)).toBe(arrivals.length);
});

test('LOG13 writes that wait together, of several spaces, share one commit and are answered after it', async () => {
  const store = open();
  const [a, b] = [store.space('a').rows, store.space('b').rows];
  const order: string[] = [];
  await Promise.all([
    a
      .write('relaxed', async (tx) => {
        await tx.putValue('name', 'a');
        order.push('a written');
      })
      .then(() => order.push('a answered')),
    b
      .write('strict', async (tx) => {
        await tx.putValue('name', 'b');
        // Nobody else sees what the first one wrote, though its body is done: their commit is the same.
        order.push(`b written while readers see ${await a.read((rows) => rows.value('name'))}`);
      })
      .then(() => order.push('b answered')),
    store.transaction((sql) => order.push(`third sees ${sql.all('SELECT value FROM named_values').length}`)),
  ]);
  expect(order).toEqual([
    'a written',
    'b written while readers see undefined',
    'third sees 2',
    'a answered',
    'b answered',
  ]);
  expect(await Promise.all([a.read((tx) => tx.value('name')), b.read((tx) => tx.value('name'))])).toEqual(['a', 'b']);
});

test('LOG13 a body that throws takes nothing with it: those before and after it in the same commit stay', async () => {
  const { rows } = open().space('a');
  const results = await Promise.allSettled([
    rows.write('strict', (tx) => tx.putValue('first', '1')),
    rows.write('strict', async (tx) => {
      await tx.putValue('second', '2');
      await tx.putValue('first', 'overwritten');
      throw new Error('on purpose');
    }),
    rows.write('strict', async (tx) => tx.putValue('third', `after ${await tx.value('first')}`)),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const values = await rows.read((tx) => Promise.all(['first', 'second', 'third'].map(async (name) => tx.value(name))));
  expect(values).toEqual(['1', undefined, 'after 1']);
});

test('LOG18 of writes that wait together only the one that finds no room is refused', async () => {
  const store = open({ maxBytes: 1_000_000 });
  const { rows } = store.space('a');
  const results = await Promise.allSettled([
    rows.write('strict', (tx) => tx.putValue('small', 'before')),
    rows.write('strict', (tx) => tx.putValue('large', 'x'.repeat(2_000_000))),
    rows.write('strict', (tx) => tx.putArrival(arrival(1))),
  ]);
  expect(results.map((result) => (result.status === 'fulfilled' ? 'stored' : (result.reason as Error).name))).toEqual([
    'stored',
    'StorageFull',
    'stored',
  ]);
  expect(await rows.read((tx) => tx.value('small'))).toBe('before');
  expect(await rows.read((tx) => tx.arrivalsAfter(0, 10))).toEqual([arrival(1)]);
});

test('LOG13 spaces of one file are apart: the same names hold other rows, and each is listed', async () => {
  const store = open();
  expect(await store.spaces()).toEqual([]);
  const names = ['a', 'A', 'ä 漢 😀', 'a"b\'c; --'];
  for (const name of names) {
    const { rows, views } = store.space(name);
    expect(await rows.read((tx) => tx.value('cursor'))).toBeUndefined();
    await rows.write('strict', (tx) => tx.putValue('cursor', name));
    await views.commit('items', { expected: undefined, checkpoint: name, put: new Map([['key', name]]), remove: [] });
  }
  expect(await store.spaces()).toEqual(names);
  for (const name of names) {
    const { rows, views } = open().space(name);
    expect(await rows.read((tx) => tx.value('cursor'))).toBe(name);
    expect([await views.open('items'), await views.shards('items', ['key'])]).toEqual([
      { checkpoint: name, shards: ['key'] },
      [name],
    ]);
  }
});

test("LOG13 the server's own tables share file and commit; a failed body leaves no table behind", async () => {
  const store = open();
  await expect(
    store.transaction((sql) => {
      sql.run('CREATE TABLE subscriptions (endpoint TEXT PRIMARY KEY)');
      throw new Error('on purpose');
    }),
  ).rejects.toThrow('on purpose');
  await store.transaction((sql) => {
    sql.run('CREATE TABLE subscriptions (endpoint TEXT PRIMARY KEY)');
    sql.run('INSERT INTO subscriptions VALUES (?)', 'https://push.example/1');
  });
  const rows = await open().read((sql) => sql.all<{ endpoint: string }>('SELECT endpoint FROM subscriptions'));
  expect(rows.map(({ endpoint }) => endpoint)).toEqual(['https://push.example/1']);
});

test('LOG19 a file of a newer version, of another program, or of nobody is refused in plain words and left as it is', async () => {
  const store = open();
  await store.transaction((sql) => sql.run('PRAGMA user_version = 2'));
  expect(() => openSqliteStore(path)).toThrow(expect.objectContaining({ name: 'StorageTooNew' }));

  const foreign = join(folder, 'foreign.db');
  const database = openDatabase(foreign);
  database.exec('CREATE TABLE theirs (a)');
  database.close();
  expect(() => openSqliteStore(foreign)).toThrow(/is a database of another program/);

  const text = join(folder, 'text.db');
  writeFileSync(text, 'not a database, but long enough to have a header '.repeat(20));
  expect(() => openSqliteStore(text)).toThrow(/not a database/);
});

test('LOG19 a closed store finishes what it began, and then answers StorageGone', async () => {
  const store = openSqliteStore(path);
  const { rows, views } = store.space('a');
  const other = store.space('a').rows;
  await other.close();
  await expect(other.read((tx) => tx.heads())).rejects.toMatchObject({ name: 'StorageGone' });
  const last = rows.write('strict', (tx) => tx.putValue('last', 'word'));
  const closing = store.close();
  await Promise.all([last, closing, store.close()]);
  for (const late of [
    rows.read((tx) => tx.value('last')),
    rows.write('strict', (tx) => tx.putValue('last', 'again')),
    views.open('items'),
    store.spaces(),
  ]) {
    await expect(late).rejects.toMatchObject({ name: 'StorageGone' });
  }
  expect(
    await open()
      .space('a')
      .rows.read((tx) => tx.value('last')),
  ).toBe('word');
});

test("HOUSE of Node's warnings only the one about SQLite is kept back, and only while it is loaded", () => {
  const { getBuiltinModule, emitWarning } = process;
  const heard: string[] = [];
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void heard.push(String(warning)));
  process.getBuiltinModule = (name: string) => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
    process.emitWarning('something else is an experimental feature', 'ExperimentalWarning');
    process.emitWarning('SQLite is deprecated', 'DeprecationWarning');
    return getBuiltinModule(name);
  };
  try {
    openDatabase(path).close();
    process.emitWarning('SQLite is an experimental feature, said by somebody else', 'ExperimentalWarning');
    process.getBuiltinModule = () => undefined;
    expect(() => openDatabase(path)).toThrow(/needs Node 22.13 or newer/);
  } finally {
    process.getBuiltinModule = getBuiltinModule;
    spy.mockRestore();
  }
  expect(process.emitWarning).toBe(emitWarning);
  expect(heard).toEqual([
    'something else is an experimental feature',
    'SQLite is deprecated',
    'SQLite is an experimental feature, said by somebody else',
  ]);
});
