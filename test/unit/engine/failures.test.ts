import { describe, expect, test } from 'vitest';
import type { Draft } from '../../../core/engine/replica.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { StorageFull } from '../../../core/log/row-store.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';

const put = (key: string, value: number | string): Draft => ({ writes: [{ key, value }] });

describe('a replica among failures', () => {
  test('S2.4: drafts of one append are taken all or none, whoever shares their commit', async () => {
    const replica = await openReplica();
    const [, failed] = await Promise.allSettled([
      replica.append([put('other', 1)]),
      replica.append([put('good', 1), put('', 1)]),
      replica.append([put('other', 2)]),
    ]);
    expect(failed.status).toBe('rejected');
    expect(await replica.view.item('good')).toBeUndefined();
    expect((await replica.view.item('other'))?.live.map(({ value }) => value)).toEqual([2]);
  });

  test('VIEW8: statements of an authority count after a crash in the middle of learning of it', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const [writer, authority] = [await openReplica(), await openReplica({ account: 'server' })];
    const [bad] = await writer.append([put('a', 'spam')]);
    if (bad === undefined) throw new Error('one draft makes one entry');
    await authority.state([{ kind: 'refuse', ...bad, code: 'forbidden', reason: 'spam' }]);
    const reader = await openReplica({ rows, views: { ...views, drop: async () => Promise.reject(new Error('killed')) } });
    await copyAll(writer, reader);
    await copyAll(authority, reader);
    await reader.flush();
    await expect(reader.setAuthorities([authority.ownLog() ?? ''])).rejects.toThrow('killed');
    const again = await openReplica({ rows, views });
    await again.setAuthorities([authority.ownLog() ?? '']);
    expect(await again.view.item('a')).toBeUndefined();
  });

  test('SYNC10: a listener that throws neither fails a write that is durable nor a merge', async () => {
    const [a, b] = [await openReplica(), await openReplica()];
    const thrown: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      for (const one of [a, b]) one.follow(() => { throw new Error('listener'); });
      await a.append([put('a', 1)]);
      const arrived = await a.store.after(0);
      const verdicts = await b.merge(arrived.runs.map(encodeRun));
      expect(verdicts.map(({ kind }) => kind)).toEqual(['accepted']);
      await new Promise((resolve) => setImmediate(resolve));
      expect(thrown.length).toBeGreaterThan(0);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    }
  });

  test('SYNC10 VIEW2: rows of the view that find no room fail no write that is durable', async () => {
    const commit = async (): Promise<boolean> => Promise.reject(new StorageFull());
    const replica = await openReplica({ views: { ...createMemoryViewStore(), commit } });
    const drafts = Array.from({ length: 100_001 }, (_, i) => put(`k${i % 100}`, i));
    expect(await replica.append(drafts)).toHaveLength(drafts.length);
    expect((await replica.view.item('k0'))?.live.map(({ value }) => value)).toEqual([100_000]);
  });
});
