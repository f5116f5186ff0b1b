import { describe, expect, test } from 'vitest';
import { countUnsent } from '../../../core/engine/own-entries.ts';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import type { Disk, Life, TestServer } from './copies-world.ts';
import { createCanaryBox, createDisk, createTestServer, expectEverywhere, killAfter, startLife } from './copies-world.ts';

const headOf = async ({ replica }: Life, log: string): Promise<number | undefined> => (await replica.store.head(log))?.sequence;

/** A device that wrote `a` and sent it, was backed up, then wrote `b` and sent that too. */
async function sentTwice(): Promise<{ server: TestServer; canary: ReturnType<typeof createCanaryBox>; backup: Disk; log: string }> {
  const server = createTestServer();
  const [disk, canary] = [createDisk(), createCanaryBox()];
  const life = await startLife(server, disk, canary);
  await life.write('a');
  await life.sync();
  const backup = await disk.copy();
  await life.write('b');
  await life.sync();
  return { server, canary, backup, log: life.replica.ownLog() ?? '' };
}

/** A device that sent `a`, wrote `b`, was backed up, wrote `c`, and sent both in vain. */
async function sentInVain(): ReturnType<typeof sentTwice> {
  const server = createTestServer();
  const [disk, canary] = [createDisk(), createCanaryBox()];
  const life = await startLife(server, disk, canary);
  await life.write('a');
  await life.sync();
  await life.write('b');
  const backup = await disk.copy();
  await life.write('c');
  await life.sync('request lost');
  return { server, canary, backup, log: life.replica.ownLog() ?? '' };
}

describe('the canary of a device', () => {
  test('SYNC14 S1.2: it covers what is sent before it leaves, once for each exchange that sends something new', async () => {
    const server = createTestServer();
    const canary = createCanaryBox();
    let covered: number | undefined;
    const watched: TestServer = {
      ...server,
      ask: (body) => {
        covered = canary.peek()?.sequence;
        return server.ask(body);
      },
    };
    const life = await startLife(watched, createDisk(), canary);
    await life.write('a');
    await life.write('b');
    expect(canary.writes()).toBe(0);
    await life.sync();
    expect(covered).toBe(2);
    await life.sync();
    expect(canary.writes()).toBe(1);
    await life.write('c');
    await life.sync('request lost');
    expect(canary.peek()).toEqual({ log: life.replica.ownLog(), sequence: 3 });
    expect(canary.writes()).toBe(2);
  });

  test('SYNC14 S1.2: a database older than the canary: with the server out of reach, writing goes on in a new log, and nothing is doubled later', async () => {
    const { server, canary, backup, log } = await sentTwice();
    const restored = await startLife(server, backup, canary);
    expect(restored.replica.ownLog()).not.toBe(log);
    await restored.write('c');
    expect(await restored.sync('request lost')).toBe('unreachable');
    expect(await restored.seen()).toEqual(['a', 'c']);
    expect(await headOf(restored, log)).toBe(1);
    expect(await restored.sync()).toBe('level');
    expect(await headOf(restored, log)).toBe(2);
    expect(await restored.replica.forks()).toEqual([]);
    await expectEverywhere(server, ['a', 'b', 'c'], restored);
    // It is noticed once.
    const own = restored.replica.ownLog();
    expect((await startLife(server, backup, canary)).replica.ownLog()).toBe(own);
  });

  test('SYNC14: what the older database has and the server never acknowledged is appended again, once', async () => {
    const { server, canary, backup } = await sentInVain();
    const restored = await startLife(server, backup, canary);
    expect(await countUnsent(restored.replica)).toBe(1);
    await restored.write('d');
    await restored.sync('answer lost');
    expect(await restored.sync()).toBe('level');
    await expectEverywhere(server, ['a', 'b', 'd'], restored);
  });

  test('SYNC14: a canary of a later log that the database never knew: the own log is left once, not at each start', async () => {
    const { server, backup, log } = await sentTwice();
    const canary = createCanaryBox({ log: 'A'.repeat(43), sequence: 3 });
    const first = await startLife(server, backup, canary);
    expect(first.replica.ownLog()).not.toBe(log);
    const second = await startLife(server, backup, canary);
    expect(second.replica.ownLog()).toBe(first.replica.ownLog());
    await second.write('c');
    expect(await second.sync()).toBe('level');
    await expectEverywhere(server, ['a', 'b', 'c'], second);
  });

  test('SYNC14: killed at any step of leaving its log, the device leaves it all the same, and doubles nothing', async () => {
    for (let step = 0; step < 12; step++) {
      const { server, canary, backup, log } = await sentInVain();
      const killed = await startLife(server, killAfter(backup, step), canary).catch(() => undefined);
      const again = await startLife(server, backup, canary);
      expect(again.replica.ownLog()).not.toBe(log);
      await again.write('d');
      expect(await again.sync()).toBe('level');
      await expectEverywhere(server, ['a', 'b', 'd'], again);
      if (killed !== undefined) return;
    }
    throw new Error('leaving takes fewer steps than that');
  });

  test('SYNC14: no canary, one that cannot be read and one that cannot be written mean nothing', async () => {
    for (const broken of [{ read: async () => undefined }, { read: () => Promise.reject(new Error('unreadable')) }]) {
      const { server, backup, log } = await sentTwice();
      const canary = { ...broken, cover: () => Promise.reject(new Error('no room')) };
      const life = await startLife(server, backup, canary);
      expect(life.replica.ownLog()).toBe(log);
      await life.write('c');
      expect(await life.sync()).toBe('level');
      await expectEverywhere(server, ['a', 'b', 'c'], life);
    }
  });

  test('SYNC14 CAP36: an emptied database is told as such until an exchange is level, over restarts, and reads what it once wrote', async () => {
    const { server, canary, log } = await sentTwice();
    const empty = createDisk();
    const first = await startLife(server, empty, canary);
    expect((await readMemory(first.replica.store)).setback).toBe('emptied');
    await first.write('c');
    await first.sync('request lost');
    const second = await startLife(server, empty, canary);
    expect(second.replica.ownLog()).toBe(first.replica.ownLog());
    expect((await readMemory(second.replica.store)).setback).toBe('emptied');
    expect(await second.sync()).toBe('level');
    expect((await readMemory(second.replica.store)).setback).toBeUndefined();
    expect(await headOf(second, log)).toBe(2);
    await expectEverywhere(server, ['a', 'b', 'c'], second);
  });

  test('SYNC14 S1.2: another branch that counts may be shorter than what was sent: that is no older database', async () => {
    const server = createTestServer();
    const disk = createDisk();
    const a = await startLife(server, disk);
    await a.write('a');
    const clone = await startLife(server, await disk.copy());
    await clone.write('b');
    await clone.sync();
    for (const id of ['c', 'd', 'e']) await a.write(id);
    expect(await a.sync()).toBe('level');
    const own = a.replica.ownLog();
    // It was stopped before the new log left.
    const again = await startLife(server, disk, createCanaryBox({ log: clone.replica.ownLog() ?? '', sequence: 4 }));
    expect(await headOf(again, clone.replica.ownLog() ?? '')).toBe(2);
    expect(again.replica.ownLog()).toBe(own);
    expect((await readMemory(again.replica.store)).setback).toBeUndefined();
    await clone.sync();
    await expectEverywhere(server, ['a', 'b', 'c', 'd', 'e'], again, clone);
  });
});
