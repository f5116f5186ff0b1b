import { describe, expect, test } from 'vitest';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import type { Disk, Life, TestServer } from './copies-world.ts';
import { createCanaryBox, createDisk, createTestServer, expectEverywhere, startLife } from './copies-world.ts';

/** A device that wrote `a`, and a clone of it. */
async function cloned(server: TestServer, isSynced: boolean): Promise<{ a: Life; b: Life; disk: Disk }> {
  const disk = createDisk();
  const a = await startLife(server, disk);
  await a.write('a');
  if (isSynced) await a.sync();
  return { a, b: await startLife(server, await disk.copy()), disk };
}

describe('copies of one device', () => {
  for (const isSynced of [false, true]) {
    test(`S1.2 S1.10 LOG16: cloned ${isSynced ? 'after' : 'before'} its first exchange, both write: each write is everywhere once`, async () => {
      const server = createTestServer();
      const { a, b } = await cloned(server, isSynced);
      await a.write('of a');
      for (const id of ['of b', 'of b too']) await b.write(id);
      for (const one of [a, b, a]) expect(await one.sync()).toBe('level');
      expect(b.replica.ownLog()).not.toBe(a.replica.ownLog());
      await expectEverywhere(server, ['a', 'of a', 'of b', 'of b too'], a, b);
    });
  }

  test('S1.2 S1.10 LOG16: three copies, one of them a copy of a copy', async () => {
    const server = createTestServer();
    const { a, b, disk } = await cloned(server, true);
    const c = await startLife(server, await disk.copy());
    for (const [one, id] of [[a, '1'], [b, '2'], [c, '3'], [c, '4']] as const) await one.write(id);
    for (const one of [b, c, a, b, c]) expect(await one.sync()).toBe('level');
    expect(new Set([a, b, c].map(({ replica }) => replica.ownLog())).size).toBe(3);
    await expectEverywhere(server, ['1', '2', '3', '4', 'a'], a, b, c);
  });

  test('S1.2 LOG16: an older copy that was put back and writes before it syncs', async () => {
    const server = createTestServer();
    const { a, b } = await cloned(server, true);
    for (const id of ['1', '2', '3']) await a.write(id);
    await a.sync();
    await b.write('4');
    for (const one of [b, a]) expect(await one.sync()).toBe('level');
    await expectEverywhere(server, ['1', '2', '3', '4', 'a'], a, b);
  });

  for (const [length, ids] of [['the same length', ['1']], ['more length', ['1', '2']]] as const) {
    test(`SYNC15 S1.2 S1.10: a server that was put back takes another branch of ${length}: nothing acknowledged before is lost`, async () => {
      const server = createTestServer();
      const { a, b } = await cloned(server, true);
      const backup = await server.backup();
      await b.write('of b');
      await b.sync();
      await server.restore(backup);
      for (const id of ids) await a.write(id);
      for (const one of [a, b, a]) expect(await one.sync()).toBe('level');
      await expectEverywhere(server, [...ids, 'a', 'of b'], a, b);
    });

    test(`SYNC15 SYNC2: the same with a branch of ${length}, when the device is stopped in the middle of comparing`, async () => {
      const server = createTestServer();
      const { a, b, disk } = await cloned(server, true);
      const backup = await server.backup();
      await a.write('of a');
      await a.sync();
      await server.restore(backup);
      for (const id of ids) await b.write(id);
      await b.sync();
      let answers = 1;
      const away: TestServer = { ...server, ask: (body) => (answers-- > 0 ? server.ask(body) : Promise.reject(new Error('away'))) };
      expect(await (await startLife(away, disk)).sync()).toBe('unreachable');
      const again = await startLife(server, disk);
      for (const one of [again, b]) expect(await one.sync()).toBe('level');
      await expectEverywhere(server, [...ids, 'a', 'of a'], again, b);
    });
  }

  test('SYNC15 S1.2: the same, when the copy has more to send with its first request', async () => {
    const server = createTestServer();
    const { a, b } = await cloned(server, false);
    await a.write('of a');
    await b.sync();
    await server.restore(createDisk());
    await b.write('of b');
    for (const one of [a, b, a]) expect(await one.sync()).toBe('level');
    await expectEverywhere(server, ['a', 'of a', 'of b'], a, b);
  });

  test('SYNC15 S1.10: a reader that holds the branch which no longer counts takes the other one', async () => {
    const server = createTestServer();
    const { a, b } = await cloned(server, true);
    const backup = await server.backup();
    await b.write('of b');
    await b.sync();
    const reader = await startLife(server, createDisk(), undefined, 'tablet');
    await reader.sync();
    await server.restore(backup);
    await a.write('of a');
    for (const one of [a, reader, b, a, reader]) expect(await one.sync()).toBe('level');
    await expectEverywhere(server, ['a', 'of a', 'of b'], a, b, reader);
  });

  test('SYNC15 SYNC1: after a comparison the last entries are proven, and sent no more', async () => {
    const server = createTestServer();
    const requests: number[] = [];
    const counted: TestServer = {
      ...server,
      ask: (body) => {
        requests.push(body.length);
        return server.ask(body);
      },
    };
    const life = await startLife(counted, createDisk());
    await life.write('a');
    await life.sync();
    // Its first exchange sent all of it: nothing is left to prove.
    expect(requests).toHaveLength(1);
    await server.restore(createDisk());
    requests.length = 0;
    expect(await life.sync()).toBe('level');
    expect(requests.length).toBeLessThanOrEqual(3);
    requests.length = 0;
    expect(await life.sync()).toBe('level');
    expect(requests).toHaveLength(1);
    expect(requests[0]).toBeLessThan(150);
  });

  test('S1.2: a clone of an emptied profile', async () => {
    const server = createTestServer();
    const canary = createCanaryBox();
    const first = await startLife(server, createDisk(), canary);
    await first.write('a');
    await first.sync();
    const empty = createDisk();
    const a = await startLife(server, empty, canary);
    await a.write('b');
    const b = await startLife(server, await empty.copy(), createCanaryBox(canary.peek()));
    await b.write('c');
    for (const one of [a, b, a, b]) expect(await one.sync()).toBe('level');
    expect((await readMemory(b.replica.store)).setback).toBeUndefined();
    await expectEverywhere(server, ['a', 'b', 'c'], a, b);
  });

  test('SYNC13 S1.2: a copy that only listens gets what the other copy sends, though both have one name', async () => {
    const server = createTestServer();
    const { a, b } = await cloned(server, true);
    await b.sync();
    const tablet = await startLife(server, createDisk(), undefined, 'tablet');
    await tablet.sync();
    const { cursor } = await readMemory(b.replica.store);
    if (cursor === undefined) throw new Error('a level device has a cursor');
    const live = await server.listen(cursor, b.name);
    await a.write('of a');
    await a.sync();
    await tablet.write('of the tablet');
    await tablet.sync();
    const frame = await live.next();
    // Its own log goes on elsewhere: the new one it began is still to be sent.
    expect(frame !== 'level' && (await b.takeLive(frame))).toBe('later');
    await b.sync();
    await a.sync();
    expect(await a.replica.store.head(b.replica.ownLog() ?? '')).toBeDefined();
    await expectEverywhere(server, ['a', 'of a', 'of the tablet'], a, b);
  });
});
