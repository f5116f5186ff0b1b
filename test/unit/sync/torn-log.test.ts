import { describe, expect, test } from 'vitest';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import type { RowWriter } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import type { Disk, Fault, TestServer } from './copies-world.ts';
import { createCanaryBox, createDisk, createTestServer, expectEverywhere, killAfter, startLife } from './copies-world.ts';

/*
 * Chromium writes a transaction by and by, and syncs what it wrote last. When LevelDB goes on in a new file meanwhile, a power
 * cut takes the transaction's beginning and leaves its end (docs/reliability.md): done here with the writes of a real one.
 */

type Op = (rows: RowWriter) => unknown;

/** A disk that notes what its transactions write; `ops` begins with the next one's. */
function noting(disk: Disk, ops: Op[]): Disk {
  const note = (tx: RowWriter): RowWriter => ({
    ...tx,
    ...Object.fromEntries(
      (['putHead', 'deleteHead', 'putRun', 'deleteRun', 'putArrival', 'putValue'] as const).map((name) => [
        name,
        (...args: never[]) => {
          const op: Op = (rows) => (rows[name] as (...args: never[]) => unknown)(...args);
          ops.push(op);
          return op(tx);
        },
      ]),
    ),
  });
  return {
    ...disk,
    rows: { ...disk.rows, write: (durability, body) => disk.rows.write(durability, (tx) => body(note(tx))) },
  };
}

interface Written {
  readonly before: Disk;
  readonly torn: readonly Op[];
  readonly after: readonly Op[];
}

/** A device that wrote and sent `a`, wrote `b` (which is to be torn) and `c`, and tried to send all of it. */
async function write(server: TestServer, fault: Fault, views?: ViewStore): Promise<Written> {
  const ops: Op[] = [];
  const disk = createDisk();
  const life = await startLife(server, noting(disk, ops), undefined, undefined, views);
  await life.write('a');
  await life.sync();
  const before = await disk.copy();
  ops.splice(0);
  await life.write('b');
  const torn = ops.splice(0);
  await life.write('c');
  const after = ops.splice(0);
  await life.sync(fault);
  await life.replica.flush();
  return { before, torn, after };
}

/** What a power cut leaves of that without the first writes of `b`. */
async function tear({ before, torn, after }: Written, first: number): Promise<Disk> {
  const disk = await before.copy();
  await disk.rows.write('strict', async (tx) => {
    for (const op of [...torn.slice(first), ...after]) await op(tx);
  });
  return disk;
}

/** What a device wrote on its disk when it merged a second entry of another one: the part of it that a power cut may tear. */
async function mergeWritten() {
  const server = createTestServer();
  const [ops, disk] = [[] as Op[], createDisk()];
  const writer = await startLife(server, createDisk(), undefined, 'desk');
  const reader = await startLife(server, noting(disk, ops));
  await writer.write('a');
  await writer.sync();
  await reader.sync();
  const before = await disk.copy();
  ops.splice(0);
  await writer.write('b');
  await writer.sync();
  await reader.sync();
  const torn = ops.splice(0);
  return { server, ops, writer, reader, before, torn };
}

describe('a log after a power cut that left the end of an append', () => {
  test('LOG21 the server never got it: all else is shown and sent, and what is written next as well', async () => {
    for (let first = 0; ; first++) {
      const server = createTestServer();
      const written = await write(server, 'request lost');
      if (first > written.torn.length) return;
      const life = await startLife(server, await tear(written, first));
      const left = first === 0 ? ['a', 'b', 'c'] : ['a', 'c'];
      expect(await life.seen(), `without the first ${first}`).toEqual(left);
      await life.write('d');
      expect(await life.seen()).toEqual([...left, 'd']);
      expect(await life.sync()).toBe('level');
      await expectEverywhere(server, [...left, 'd'], life);
      expect(await life.replica.forks()).toEqual([]);
    }
  });

  test('LOG21 SYNC14 the server got it: it comes back, and nothing is there twice', async () => {
    for (let first = 1; ; first++) {
      const server = createTestServer();
      const written = await write(server, 'answer lost');
      if (first > written.torn.length) return;
      const disk = await tear(written, first);
      const life = await startLife(server, disk);
      expect((await readMemory(life.replica.store)).setback, `without the first ${first}`).toBe('restored');
      await life.write('d');
      expect(await life.sync()).toBe('level');
      await expectEverywhere(server, ['a', 'b', 'c', 'd'], life);
      expect(await life.replica.forks()).toEqual([]);
      // It is noticed once.
      const own = life.replica.ownLog();
      const next = await startLife(server, disk);
      expect(next.replica.ownLog()).toBe(own);
      await expectEverywhere(server, ['a', 'b', 'c', 'd'], next);
    }
  });

  for (const [fault, left] of [['request lost', ['a', 'c']], ['answer lost', ['a', 'b', 'c']]] as const) {
    test(`LOG21 a device that dies while it mends a log that its view had folded (${fault}) goes on with its next life`, async () => {
      for (let [writes, started] = [0, false]; !started; writes++) {
        const [server, views] = [createTestServer(), createMemoryViewStore()];
        const disk = await tear(await write(server, fault, views), 1);
        started = await startLife(server, killAfter(disk, writes), undefined, undefined, views).then(
          () => true,
          () => false,
        );
        const life = await startLife(server, disk, undefined, undefined, views);
        await life.write('d');
        expect(await life.sync(), `killed after ${writes}`).toBe('level');
        await expectEverywhere(server, [...left, 'd'], life);
        expect(await life.replica.forks()).toEqual([]);
      }
    });
  }

  test('LOG21 the view had folded it and was written: writing goes on in a new log, and the view says what the logs hold', async () => {
    const [ops, views]: [Op[], ViewStore] = [[], createMemoryViewStore()];
    const disk = createDisk();
    const replica = await openReplica({ rows: noting(disk, ops).rows, views });
    const put = (id: string) => replica.append([{ writes: [{ key: id, value: id }] }]);
    await put('a');
    const before = await disk.copy();
    ops.splice(0);
    await put('b');
    const torn = ops.splice(0);
    await put('c');
    await replica.flush();
    const { rows } = await tear({ before, torn, after: ops.splice(0) }, 1);
    const again = await openReplica({ rows, views });
    expect(again.ownLog()).not.toBe(replica.ownLog());
    await again.append([{ writes: [{ key: 'd', value: 'd' }] }]);
    const expected = ['a', 'c', 'd'];
    expect((await again.view.items('')).map(({ key }) => key).toSorted()).toEqual(expected);
    const other = await openReplica({ account: 'ben' });
    await copyAll(again, other);
    expect((await other.view.items('')).map(({ key }) => key).toSorted()).toEqual(expected);
  });

  test('LOG21 SYNC14 a log is left, and of that only the end was kept: what was not acknowledged goes on all the same', async () => {
    const server = createTestServer();
    const [ops, disk] = [[] as Op[], createDisk()];
    const life = await startLife(server, disk);
    await life.write('a');
    await life.sync();
    await life.write('b');
    const before = await disk.copy();
    const mark = { log: life.replica.ownLog() ?? '', sequence: 99 };
    await startLife(server, noting(await before.copy(), ops), createCanaryBox(mark));
    for (let first = 0; first <= ops.length; first++) {
      const again = await startLife(server, await tear({ before, torn: ops, after: [] }, first), createCanaryBox(mark));
      expect(await again.seen(), `without the first ${first} of ${ops.length}`).toEqual(['a', 'b']);
      expect(await again.sync(), `without the first ${first} of ${ops.length}`).toBe('level');
      const other = await startLife(server, createDisk());
      await other.sync();
      expect(await other.seen(), `without the first ${first} of ${ops.length}`).toEqual(['a', 'b']);
    }
  });

  test('LOG21 SYNC3 a merge of which only the end was left: what it took comes from the server, with the next exchange', async () => {
    const { server, before, torn } = await mergeWritten();
    for (let first = 1; first <= torn.length; first++) {
      const life = await startLife(server, await tear({ before, torn, after: [] }, first));
      expect(await life.sync(), `without the first ${first} of ${torn.length}`).toBe('level');
      await expectEverywhere(server, ['a', 'b'], life);
    }
  });

  test('LOG21 a gap in a log of somebody else: it ends before it, and what lacks comes from the server', async () => {
    const { server, ops, writer, reader, before, torn } = await mergeWritten();
    await writer.write('c');
    await writer.sync();
    await reader.sync();
    const after = ops.splice(0);
    for (let first = 1; first <= torn.length; first++) {
      const life = await startLife(server, await tear({ before, torn, after }, first));
      expect(await life.sync(), `without the first ${first}`).toBe('level');
      await expectEverywhere(server, ['a', 'b', 'c'], life);
    }
  });

  test('LOG21 LOG18 a server, whose disk takes all of a transaction or nothing, ends no log: others count on what it has', async () => {
    const server = createTestServer();
    const life = await startLife(server, createDisk());
    for (const id of ['a', 'b', 'c']) {
      await life.write(id);
      await life.sync();
    }
    const [log, disk] = [life.replica.ownLog() ?? '', await server.backup()];
    const head = await disk.rows.read((tx) => tx.head(log));
    await disk.rows.write('strict', (tx) => tx.deleteRun(log, 2));
    await server.restore(disk);
    await (await startLife(server, createDisk())).sync();
    expect(await (await server.backup()).rows.read((tx) => tx.head(log))).toEqual(head);
  });
});
