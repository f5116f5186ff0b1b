import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Replica } from '../../../core/engine/replica.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { logName } from '../../../core/log/version-vector.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import { shuffled } from '../../support/random.ts';

/** What one of several writers does next; `sync` takes everything from another. */
type Step =
  | { readonly do: 'put' | 'delete'; readonly who: number; readonly key: string; readonly value: number; readonly seen: boolean }
  | { readonly do: 'sync'; readonly who: number; readonly from: number }
  | { readonly do: 'rotate'; readonly who: number; readonly from: number }
  | { readonly do: 'refuse'; readonly nth: number };

const WRITERS = 3;
const who = fc.integer({ min: 0, max: WRITERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'delete' as const), who, key: fc.constantFrom('a', 'b', '\u{1F98A}'), value: fc.integer(), seen: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), who, from: who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rotate' as const), who, from: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), nth: fc.nat(20) }) },
);

/** Runs the steps; the last replica is an authority that refuses entries, known to all. */
async function play(steps: readonly Step[]): Promise<ServingReplica[]> {
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => openReplica()));
  const authority = await openReplica({ account: 'server' });
  await authority.state([{ kind: 'enrol', log: 'A'.repeat(43), account: 'nobody' }]);
  const authorityLog = authority.ownLog() ?? '';
  for (const replica of [...writers, authority]) await replica.setAuthorities([authorityLog]);
  const written: { log: string; sequence: number; id: string }[] = [];
  for (const one of steps) {
    if (one.do === 'refuse') {
      const entry = written[one.nth % Math.max(written.length, 1)];
      if (entry !== undefined) await authority.state([{ kind: 'refuse', ...entry, code: 'forbidden', reason: 'test' }]);
      continue;
    }
    const writer = writers[one.who];
    if (writer === undefined) continue;
    if (one.do === 'sync') await copyAll(writers[one.from] ?? authority, writer);
    else if (one.do === 'rotate') await writer.rotate('test', one.from);
    else {
      const all = (await writer.view.item(one.key))?.live.map(({ id }) => id) ?? [];
      const write = one.do === 'delete' ? { key: one.key, deleted: true as const } : { key: one.key, value: one.value };
      const [appended] = await writer.append([{ writes: [one.seen ? { ...write, parents: all } : write] }]);
      if (appended !== undefined) written.push(appended);
    }
  }
  return [...writers, authority];
}

/** A fresh replica that gets all logs in an order that keeps only each log's own. */
async function deliver(sources: readonly ServingReplica[], seed: number): Promise<Replica> {
  const authorityLog = sources.at(-1)?.ownLog() ?? '';
  const reader = await openReplica();
  await reader.setAuthorities([authorityLog]);
  const runs = [];
  for (const source of sources) runs.push(...(await source.store.after(0)).runs);
  let left = shuffled(runs.map(encodeRun), seed);
  while (left.length > 0) {
    const waiting = [];
    for (const run of left) if ((await reader.merge([run]))[0]?.kind === 'gap') waiting.push(run);
    if (waiting.length === left.length) throw new Error('a log with a gap');
    left = waiting;
  }
  return reader;
}

describe('key-value view', () => {
  test('VIEW3 VIEW5 S3.9: any order of delivery gives one state, byte for byte: conflicts, copies in new logs and refusals included', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), fc.integer(), async (steps, seed) => {
        const sources = await play(steps);
        const first = await deliver(sources, seed);
        const second = await deliver(sources, seed + 1);
        const state = await first.view.canonicalState();
        expect(await second.view.canonicalState()).toBe(state);
        expect(state.includes('[')).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('VIEW2 S1.31: a restart folds only what is new, and a state equals the one folded from nothing (S1.30)', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const first = await openReplica({ rows, views });
    await first.append(Array.from({ length: 40 }, (_, i) => ({ writes: [{ key: `k${i % 7}`, value: i }] })));
    await first.flush();
    await first.append([{ writes: [{ key: 'k1', value: 'after the checkpoint' }] }]);
    const live = await first.view.canonicalState();
    const drops: string[] = [];
    const reopened = await openReplica({ rows, views: { ...views, drop: async (view) => void drops.push(view) } });
    expect(await reopened.view.canonicalState()).toBe(live);
    expect(drops).toEqual([]);
    const rebuilt = await openReplica({ rows, views: createMemoryViewStore() });
    expect(await rebuilt.view.canonicalState()).toBe(live);
  });

  test('VIEW6: a view found ahead of the log is built again', async () => {
    const views = createMemoryViewStore();
    const full = await openReplica({ views });
    await full.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await full.flush();
    const emptied = await openReplica({ rows: createMemoryRowStore(), views });
    expect(await emptied.view.item('a')).toBeUndefined();
  });

  test('VIEW7: two contexts of one device that both write the view end with all of it', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const [one, two] = [await openReplica({ rows, views }), await openReplica({ rows, views })];
    await one.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await two.catchUp();
    await two.append([{ writes: [{ key: 'a', value: 2 }] }, { writes: [{ key: 'b', value: 1 }] }]);
    await two.flush();
    await one.catchUp();
    await one.flush();
    const third = await openReplica({ rows, views });
    for (const replica of [one, two, third]) {
      expect((await replica.view.item('a'))?.live.map(({ value }) => value)).toEqual([2]);
      expect(await replica.view.canonicalState()).toBe(await third.view.canonicalState());
    }
  });

  test('S1.13: a null value is a value, only a delete deletes, and a key can be created again', async () => {
    const replica = await openReplica();
    await replica.append([{ writes: [{ key: 'a', value: null }] }]);
    expect((await replica.view.item('a'))?.live[0]).toMatchObject({ deleted: false, value: null });
    await replica.append([{ writes: [{ key: 'a', deleted: true }] }]);
    expect((await replica.view.item('a'))?.live[0].deleted).toBe(true);
    await replica.append([{ writes: [{ key: 'a', value: 'again' }] }]);
    const item = await replica.view.item('a');
    expect(item?.live).toHaveLength(1);
    expect(item?.live[0].value).toBe('again');
  });

  test('S1.16: a write whose parent is an older version with the same value conflicts all the same', async () => {
    const replica = await openReplica();
    const [first] = await replica.append([{ writes: [{ key: 'k', value: 'A' }] }]);
    await replica.append([{ writes: [{ key: 'k', value: 'B' }] }]);
    await replica.append([{ writes: [{ key: 'k', value: 'A' }] }]);
    await replica.append([{ writes: [{ key: 'k', value: 'C', parents: [first?.id ?? ''] }] }]);
    expect((await replica.view.item('k'))?.conflict).toBe(true);
    expect(replica.view.conflicted()).toEqual(['k']);
    expect(await replica.view.collisions()).toMatchObject([{ key: 'k', parent: first?.id.slice(0, 22), entries: [{ sequence: 2 }, { sequence: 4 }] }]);
  });

  test('S1.19: a version whose parent is not here is shown as incomplete; when it comes, it never becomes a head', async () => {
    const [ann, bob, reader] = [await openReplica(), await openReplica(), await openReplica()];
    await ann.append([{ writes: [{ key: 'k', value: 'old' }] }]);
    await copyAll(ann, bob);
    await bob.append([{ writes: [{ key: 'k', value: 'new' }] }]);
    const bobOnly = (await bob.store.after(0)).runs.filter((run) => logName(run.log) === bob.ownLog());
    await reader.merge(bobOnly.map(encodeRun));
    expect(await reader.view.item('k')).toMatchObject({ incomplete: true, conflict: false, live: [{ value: 'new' }] });
    await copyAll(ann, reader);
    expect(await reader.view.item('k')).toMatchObject({ incomplete: false, conflict: false, live: [{ value: 'new' }] });
  });

  test('VIEW4 S5.8: the displayed version is the one of the greater lamport counter, then of the greater hash, whatever the clocks say', async () => {
    const year = 365 * 86_400_000;
    const [past, future] = [await openReplica({ now: 20 * year }), await openReplica({ now: 90 * year })];
    for (const writer of [past, future]) await writer.append([{ writes: [{ key: 'tie', value: writer.ownLog() ?? 'first' }] }]);
    const hashOf = (log: string): string => createHash('sha256').update(log).digest('hex');
    const reader = await openReplica();
    await copyAll(past, reader);
    await copyAll(future, reader);
    const byHash = [past.ownLog() ?? '', future.ownLog() ?? ''].toSorted((a, b) => (hashOf(a) < hashOf(b) ? 1 : -1));
    expect((await reader.view.item('tie'))?.live.map(({ log }) => log)).toEqual(byHash);
    // A greater counter wins, with the clock fifty years behind.
    await past.append([{ writes: [{ key: 'other', value: 1 }] }, { writes: [{ key: 'late', value: 'past' }] }]);
    await future.append([{ writes: [{ key: 'late', value: 'future' }] }]);
    await copyAll(future, reader);
    await copyAll(past, reader);
    expect((await reader.view.item('late'))?.live.map(({ value }) => value)).toEqual(['past', 'future']);
  });

  test('VIEW8 S2.26: a refused entry leaves the view, early or late, and what it superseded is shown again', async () => {
    const [writer, authority] = [await openReplica(), await openReplica({ account: 'server' })];
    const [, bad] = await writer.append([{ writes: [{ key: 'k', value: 'good' }] }, { writes: [{ key: 'k', value: 'bad' }] }]);
    if (bad === undefined) throw new Error('appended');
    await authority.state([{ kind: 'refuse', ...bad, code: 'forbidden', reason: 'not yours' }]);
    const authorityLog = authority.ownLog() ?? '';
    const [late, early] = [await openReplica(), await openReplica()];
    for (const reader of [late, early]) await reader.setAuthorities([authorityLog]);
    await copyAll(writer, late);
    expect((await late.view.item('k'))?.live[0].value).toBe('bad');
    await copyAll(authority, late);
    await copyAll(authority, early);
    await copyAll(writer, early);
    for (const reader of [late, early]) {
      expect((await reader.view.item('k'))?.live.map(({ value }) => value)).toEqual(['good']);
      expect(reader.view.refusal(bad.id)).toMatchObject({ code: 'forbidden', reason: 'not yours' });
    }
    expect(await early.view.canonicalState()).toBe(await late.view.canonicalState());
  });

  test('VIEW8: a refusal counts only from an authority; a log that becomes one later rebuilds the view', async () => {
    const [writer, other] = [await openReplica(), await openReplica()];
    const [entry] = await writer.append([{ writes: [{ key: 'k', value: 1 }] }]);
    if (entry === undefined) throw new Error('appended');
    await other.state([{ kind: 'refuse', ...entry, code: 'forbidden', reason: 'says a stranger' }]);
    await copyAll(other, writer);
    expect((await writer.view.item('k'))?.live[0].value).toBe(1);
    await writer.setAuthorities([other.ownLog() ?? '']);
    expect(await writer.view.item('k')).toBeUndefined();
  });

  test('VIEW9: values too large for a row are read from the log, also after a restart', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const replica = await openReplica({ rows, views });
    const large = 'x'.repeat(500_000);
    await replica.append([{ writes: [{ key: 'k', value: large }, { key: 'small', value: 1 }] }]);
    await replica.flush();
    const reopened = await openReplica({ rows, views });
    for (const reader of [replica, reopened]) expect((await reader.view.item('k'))?.live[0].value).toBe(large);
  });
});
