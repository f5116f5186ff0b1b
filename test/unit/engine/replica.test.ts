import { describe, expect, test } from 'vitest';
import type { Draft, Replica } from '../../../core/engine/replica.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { KIND, NO_ENTRY } from '../../../core/log/header.ts';
import { MAX_LAMPORT_JUMP } from '../../../core/log/limits.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { buildRuns } from '../../../core/log/run-build.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { generateWriterSeed, seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { WakelogError } from '../../../core/protocol/errors.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';

const put = (key: string, value: number | string): Draft => ({ writes: [{ key, value }] });
const shown = async (replica: Replica, key: string): Promise<unknown[]> => (await replica.view.item(key))?.live.map(({ value }) => value) ?? [];

async function ownEntries(replica: Replica): Promise<{ kind: number; lamport: number }[]> {
  const own = replica.ownLog() ?? '';
  const head = await replica.store.head(own);
  const runs = await replica.store.range(own, 0, head?.sequence ?? 0);
  return runs.flatMap((run) => run.entries.map(({ kind, lamport }) => ({ kind, lamport })));
}

describe('replica', () => {
  test('S1.1: 4 contexts of one device append 250 entries each at once: one log, no gap, nothing twice', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const first = await openReplica({ rows, views });
    await first.append([put('start', 0)]);
    const tabs = [first, ...(await Promise.all([1, 2, 3].map(() => openReplica({ rows, views }))))];
    const appended = await Promise.all(
      tabs.flatMap((tab, t) => Array.from({ length: 250 }, (_, i) => tab.append([put(`t${t}/${i}`, i)]))),
    );
    const sequences = appended.flat().map(({ sequence }) => sequence);
    expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 2));
    expect((await first.store.heads()).map(({ log }) => log)).toEqual([first.ownLog()]);
    const entries = await ownEntries(first);
    expect(entries.map(({ kind }) => kind)).toEqual([KIND.open, ...Array.from({ length: 1001 }, () => KIND.data)]);
    const reopened = await openReplica({ rows, views });
    expect(await reopened.view.items('t')).toHaveLength(1000);
  });

  test('S2.4: writes of one task keep their order, and one that breaks a limit takes no other along', async () => {
    const replica = await openReplica();
    const results = await Promise.allSettled([
      replica.append([put('a', 1)]),
      replica.append([{ writes: [{ key: '', value: 1 }] }]),
      replica.append([{ writes: [{ key: 'a', value: JSON.parse('{"__proto__": 1}') as never }] }]),
      replica.append([put('a', 2)]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'invalid-entry' });
    expect(await shown(replica, 'a')).toEqual([2]);
    expect((await ownEntries(replica)).length).toBe(3);
  });

  test('SYNC10 S2.11: durable first, then in the view: a reader never sees what the store does not hold', async () => {
    const rows = createMemoryRowStore();
    const trace: string[] = [];
    const watched: RowStore = {
      ...rows,
      write: async (durability, body) => {
        const result = await rows.write(durability, body);
        trace.push(durability);
        return result;
      },
    };
    const replica = await openReplica({ rows: watched });
    replica.follow(() => trace.push('told'));
    trace.length = 0;
    await replica.append([put('a', 1)]);
    trace.push('acknowledged');
    expect(trace.filter((step) => step !== 'relaxed').slice(-3)).toEqual(['strict', 'told', 'acknowledged']);
  });

  test('SYNC10 what is refused is told to nobody: nothing became durable', async () => {
    const replica = await openReplica();
    await replica.append([put('a', 1)]);
    const told: unknown[] = [];
    replica.follow((change) => told.push(change));
    expect(await replica.appendIf(async () => ({ refuse: 'no' }))).toEqual({ refuse: 'no' });
    expect(told).toEqual([]);
    await Promise.all([replica.appendIf(async () => ({ refuse: 'no' })), replica.append([{ writes: [] }])]);
    expect(told).toEqual([{ keys: [], origin: 'own', isFresh: true }]);
  });

  test('S2.11: no room: the write fails with storage-full before it is acknowledged, everything earlier stays, small ones go on', async () => {
    const replica = await openReplica({ rows: createMemoryRowStore({ maxBytes: 20_000 }) });
    await replica.append([put('a', 'small')]);
    const [large, small] = await Promise.allSettled([replica.append([put('a', 'x'.repeat(30_000))]), replica.append([put('b', 'small')])]);
    expect(large).toMatchObject({ status: 'rejected', reason: { code: 'storage-full' } });
    expect((large as PromiseRejectedResult).reason).toBeInstanceOf(WakelogError);
    expect(small.status).toBe('fulfilled');
    expect(await shown(replica, 'a')).toEqual(['small']);
    expect(await shown(replica, 'b')).toEqual(['small']);
  });

  test('VIEW10: a write supersedes what its writer saw displayed, and nothing else', async () => {
    const [ann, bob] = [await openReplica(), await openReplica()];
    await ann.append([put('k', 'ann')]);
    await bob.append([put('k', 'bob')]);
    await copyAll(ann, bob);
    expect(await shown(bob, 'k')).toHaveLength(2);
    const [displayed, other] = await shown(bob, 'k');
    await bob.append([put('k', 'edited')]);
    expect(await shown(bob, 'k')).toEqual(['edited', other]);
    expect(displayed).not.toBe(other);
    const all = (await bob.view.item('k'))?.live.map(({ id }) => id) ?? [];
    await bob.append([{ writes: [{ key: 'k', value: 'resolved', parents: all }] }]);
    expect(await shown(bob, 'k')).toEqual(['resolved']);
  });

  test('VIEW10: in one group of appends each follows the one before, several keys are one entry', async () => {
    const replica = await openReplica();
    const appended = await replica.append([
      put('a', 1),
      { writes: [{ key: 'a', value: 2 }, { key: 'b', value: 1 }], events: [{ type: 'moved' }] },
      { writes: [{ key: 'a', deleted: true }, { key: 'b', value: 2 }] },
    ]);
    expect(appended.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect((await replica.view.item('a'))?.live).toMatchObject([{ deleted: true, sequence: 3 }]);
    expect(await replica.view.collisions()).toEqual([]);
  });

  test('VIEW10: of two conditional appends at once, the second sees the first', async () => {
    const replica = await openReplica();
    const create = (value: number): ReturnType<typeof replica.appendIf<'exists'>> =>
      replica.appendIf(async ({ item }) => ((await item('k')) === undefined ? put('k', value) : { refuse: 'exists' as const }));
    const outcomes = await Promise.all([create(1), create(2), create(3)]);
    expect(outcomes.map((outcome) => 'refuse' in outcome)).toEqual([false, true, true]);
    expect(await shown(replica, 'k')).toEqual([1]);
  });

  test('S5.10: held entries of others are durable and unseen until they are taken, own ones show at once', async () => {
    const [ann, bob] = [await openReplica(), await openReplica()];
    await ann.append([put('k', 'before')]);
    await copyAll(ann, bob);
    bob.hold(true);
    await ann.append([put('k', 'ann'), put('new', 1)]);
    await copyAll(ann, bob);
    expect(await bob.heldBack()).toBe(2);
    expect(await shown(bob, 'k')).toEqual(['before']);
    await bob.append([put('mine', 1)]);
    expect(await shown(bob, 'mine')).toEqual([1]);
    expect((await bob.release()).toSorted()).toEqual(['k', 'new']);
    expect(await bob.heldBack()).toBe(0);
    expect(await shown(bob, 'k')).toEqual(['ann']);
  });

  test('S5.10: what another context of the device wrote is no update of others, and shows once it is caught up with', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const old = await openReplica({ rows, views });
    await old.append([put('k', 1)]);
    const fresh = await openReplica({ rows, views });
    fresh.hold(true);
    await old.append([put('k', 2)]);
    expect(await fresh.heldBack()).toBe(0);
    await fresh.catchUp();
    expect(await shown(fresh, 'k')).toEqual([2]);
  });

  test('S5.10: an authority that another context of the device met counts here too, and its entries are no updates that wait', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const [server, old] = [await openReplica({ account: 'server' }), await openReplica({ rows, views })];
    await server.append([put('k', 'by the server')]);
    const fresh = await openReplica({ rows, views });
    fresh.hold(true);
    await old.setAuthorities([server.ownLog() ?? '']);
    await copyAll(server, old);
    expect(await fresh.heldBack()).toBe(0);
    await fresh.catchUp();
    expect(await shown(fresh, 'k')).toEqual(['by the server']);
  });

  test('LOG17: whatever lamport counter others claim, an own one grows by a bounded step, and always grows', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const replica = await openReplica({ rows, views });
    await replica.append([put('k', 1)]);
    const crypto = createNodeCrypto();
    const key = seedToWriterKey(generateWriterSeed());
    const draft = { kind: KIND.data, parts: [utf8('{"writes":[["put","w",1,[]]]}')], lamport: 2 ** 50, clock: 0 };
    const [wild] = await buildRuns(crypto, key, await hashSpace(crypto, 'garden'), { sequence: -1, id: NO_ENTRY }, [draft]);
    expect(await replica.merge([wild?.bytes ?? NO_ENTRY])).toEqual([{ kind: 'accepted', first: 0 }]);
    expect(await shown(replica, 'w')).toEqual([1]);
    await replica.append([put('k', 2)]);
    const lamports = (await ownEntries(replica)).map(({ lamport }) => lamport);
    expect(lamports.at(-1)).toBe((lamports[1] ?? 0) + MAX_LAMPORT_JUMP + 1);
    for (const [i, lamport] of lamports.slice(1).entries()) expect(lamport - (lamports[i] ?? 0)).toBeLessThanOrEqual(MAX_LAMPORT_JUMP + 1);
  });
});

describe('two contexts of one device', () => {
  test('S1.2 S1.10: a log that one of them left is neither extended nor begun again by the other', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const first = await openReplica({ rows, views });
    await first.append([put('a', 1)]);
    const second = await openReplica({ rows, views });
    await second.append([put('b', 1)]);
    const old = first.ownLog() ?? '';
    await first.rotate('fork', 0);
    await second.append([put('c', 1)]);
    expect((await first.store.head(old))?.sequence).toBe(2);
    await first.setAside(old, {});
    await second.append([put('d', 1)]);
    expect(await first.store.head(old)).toBeUndefined();
    expect(second.ownLog()).toBe(first.ownLog());
    const reader = await openReplica();
    await copyAll(first, reader);
    expect((await reader.view.items('')).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('S1.2: entries of an own log that come back are never extended, whatever happens once they are here', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const original = await openReplica({ rows, views });
    await original.append([put('a', 1)]);
    const later = await openReplica({ rows, views });
    const old = original.ownLog() ?? '';
    // A backup: the same key and the same first run, in another database.
    const backupRows = createMemoryRowStore();
    const backup = await openReplica({ rows: backupRows });
    const seed = await later.store.value('writer-seed');
    expect(seed).toBeDefined();
    await backup.store.putValues({ 'writer-seed': seed });
    await copyAll(original, backup);
    const restored = await openReplica({ rows: backupRows });
    expect(restored.ownLog()).toBe(old);
    await later.append([put('b', 1)]);
    const runs = await later.store.range(old, 0, 9);
    // The moment at which they are here: a crash or another append may come next.
    let ownThen: string | undefined;
    restored.store.follow(({ logs }) => {
      if (logs.includes(old)) ownThen = restored.ownLog();
    });
    const merged = await restored.merge(runs.map(encodeRun));
    expect(merged.map(({ kind }) => kind)).toContain('accepted');
    expect(ownThen).toBeDefined();
    expect(ownThen).not.toBe(old);
    await restored.append([put('c', 1)]);
    expect((await restored.store.head(old))?.sequence).toBe(2);
  });
});
