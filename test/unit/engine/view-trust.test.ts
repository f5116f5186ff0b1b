import { describe, expect, test } from 'vitest';
import type { Replica } from '../../../core/engine/replica.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { verifyRun } from '../../../core/log/run-verify.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowReader, RowStore, RunRow } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';

const crypto = createNodeCrypto();

/** Two replicas with one log, and another branch of it each. */
async function forked(views: ViewStore): Promise<{ readonly left: ServingReplica; readonly right: ServingReplica; readonly log: string; readonly again: () => Promise<ServingReplica> }> {
  const [rows, copied] = [createMemoryRowStore(), createMemoryRowStore()];
  const again = (): Promise<ServingReplica> => openReplica({ rows, views });
  const left = await again();
  await left.append([{ writes: [{ key: 'both', value: 0 }] }]);
  const reader = await openReplica({ rows: copied });
  await reader.store.putValues({ 'writer-seed': await left.store.value('writer-seed') });
  await copyAll(left, reader);
  // With the key of the other, now that it is there.
  const right = await openReplica({ rows: copied });
  for (const value of [1, 2, 3]) await left.append([{ writes: [{ key: `left ${value}`, value }] }]);
  for (const value of [1, 2, 3, 4]) await right.append([{ writes: [{ key: `right ${value}`, value }] }]);
  return { left, right, log: left.ownLog() ?? '', again };
}

const keysOf = async (replica: Replica): Promise<string[]> => (await replica.view.items('')).map(({ key }) => key);

describe('a view that could not follow its log', () => {
  test('VIEW2 VIEW3 LOG16: a branch that was set aside is shown nowhere, though the view could not be built again then', async () => {
    const views = createMemoryViewStore();
    let failing = false;
    const drop: ViewStore['drop'] = (view) => (failing ? Promise.reject(new Error('the disk is ill')) : views.drop(view));
    const { left, right, log, again } = await forked({ ...views, drop });
    await left.flush();
    failing = true;
    await expect(left.setAside(log, {})).rejects.toThrow('ill');
    failing = false;
    await copyAll(right, left);
    const expected = await right.view.canonicalState();
    expect(await left.view.canonicalState()).toBe(expected);
    await left.flush();
    expect(await (await again()).view.canonicalState()).toBe(expected);
  });

  test('VIEW2 VIEW3 LOG16: the same when the device was stopped between the two, and the other branch has come since', async () => {
    const { left, right, log, again } = await forked(createMemoryViewStore());
    await left.flush();
    await left.store.setAside(log, {});
    await storeAll(right, left);
    expect(await (await again()).view.canonicalState()).toBe(await right.view.canonicalState());
  });

  test('VIEW8 VIEW2: an entry whose taking back fails half-way is taken back whole the next time', async () => {
    const rows = createMemoryRowStore();
    let failing = false;
    const read: typeof rows.read = (body) => (failing ? Promise.reject(new Error('the disk is ill')) : rows.read(body));
    const [writer, authority, reader] = [await openReplica(), await openReplica({ account: 'server' }), await openReplica({ rows: { ...rows, read } })];
    await writer.append([{ writes: [{ key: 'a', value: 'good' }] }]);
    const [appended] = await writer.append([{ writes: [{ key: 'a', value: 'spam' }] }]);
    if (appended === undefined) throw new Error('one draft makes one entry');
    await authority.state([{ kind: 'refuse', ...appended, code: 'forbidden', reason: 'spam' }]);
    await reader.setAuthorities([authority.ownLog() ?? '']);
    await copyAll(writer, reader);
    const runs = (await authority.store.range(authority.ownLog() ?? '', 0, 9)).map(encodeRun);
    failing = true;
    await reader.merge(runs);
    failing = false;
    await reader.flush();
    expect((await reader.view.item('a'))?.live.map(({ value }) => value)).toEqual(['good']);
    expect(await reader.view.canonicalState()).toBe(await (await openReplica({ rows })).view.canonicalState());
  });

  test('VIEW3 VIEW8: an entry of another branch is not taken back with the one that was refused in its place', async () => {
    const { left, right, log } = await forked(createMemoryViewStore());
    const authority = await openReplica({ account: 'server' });
    const id = toBase64Url((await left.store.entryId(log, 2)) ?? new Uint8Array(0));
    await authority.state([{ kind: 'refuse', log, sequence: 2, id, code: 'forbidden', reason: 'spam' }]);
    const [early, late] = [await openReplica(), await openReplica()];
    for (const one of [early, late]) await one.setAuthorities([authority.ownLog() ?? '']);
    for (const [from, to] of [[authority, early], [right, early], [right, late], [authority, late]] as const) await copyAll(from, to);
    expect(await keysOf(late)).toContain('right 1');
    expect(await late.view.canonicalState()).toBe(await early.view.canonicalState());
  });

  test('VIEW2 VIEW10: a view that could be opened anew and not be folded lacks nothing at the next write', async () => {
    const { rows, fail } = unreadableRuns();
    const [replica, other] = [await openReplica({ rows }), await openReplica()];
    await replica.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await other.append([{ writes: [{ key: 'b', value: 1 }] }]);
    await copyAll(other, replica);
    await fail(() => expect(replica.setAside(other.ownLog() ?? '', {})).rejects.toThrow('ill'));
    await replica.append([{ writes: [{ key: 'a', value: 2 }] }]);
    expect((await replica.view.item('a'))?.live.map(({ value }) => value)).toEqual([2]);
  });

  test('VIEW7 VIEW10: the same when another context of the device wrote the view meanwhile', async () => {
    const [{ rows, fail }, views] = [unreadableRuns(), createMemoryViewStore()];
    const [replica, other] = [await openReplica({ rows, views }), await openReplica({ rows, views })];
    await other.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await other.flush();
    await replica.append([{ writes: [{ key: 'a', value: 2 }] }]);
    await fail(() => expect(replica.flush()).rejects.toThrow('ill'));
    await replica.append([{ writes: [{ key: 'a', value: 3 }] }]);
    expect((await replica.view.item('a'))?.live.map(({ value }) => value)).toEqual([3]);
  });

  test('VIEW7 SYNC10: while a view is opened anew, readers see all of the one before', async () => {
    const [{ rows, pause }, views] = [unreadableRuns(), createMemoryViewStore()];
    const [replica, other] = [await openReplica({ rows, views }), await openReplica({ rows, views })];
    await other.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await other.flush();
    await replica.append([{ writes: [{ key: 'b', value: 2 }] }]);
    const paused = pause();
    const [flushing] = [replica.flush(), await paused.isAsked];
    expect(await keysOf(replica)).toEqual(['a', 'b']);
    paused.goOn();
    await flushing;
    expect(await keysOf(replica)).toEqual(['a', 'b']);
  });

  test('SYNC10 CAP23: a write that is durable is told so, though the view could not follow it at once', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const before = await openReplica({ rows, views });
    await before.append([{ writes: [{ key: 'a', value: 1 }] }]);
    await before.flush();
    let failures = 0;
    const shards: ViewStore['shards'] = (view, keys) => {
      const isFirst = keys.some((key) => key.startsWith('h')) && failures++ === 0;
      return isFirst ? Promise.reject(new Error('the disk is ill')) : views.shards(view, keys);
    };
    const replica = await openReplica({ rows, views: { ...views, shards } });
    const [appended] = await replica.append([{ writes: [{ key: 'a', value: 2 }] }]);
    expect(appended?.sequence).toBe(2);
    expect((await replica.view.item('a'))?.live.map(({ value }) => value)).toEqual([2]);
    expect(failures).toBeGreaterThan(1);
  });

  test('PAGE6 VIEW6: what was shown before is shown again though a tab is open, and no more', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const [reader, writer, gone] = [await openReplica({ rows, views }), await openReplica(), await openReplica()];
    for (const one of [writer, gone]) await one.append([{ writes: [{ key: 'a', value: 1 }] }]);
    for (const one of [writer, gone]) await copyAll(one, reader);
    reader.hold(true);
    await writer.append([{ writes: [{ key: 'b', value: 2 }] }]);
    await copyAll(writer, reader);
    await reader.setAside(gone.ownLog() ?? '', {});
    expect(await keysOf(reader)).toEqual(['a']);
    expect(await reader.heldBack()).toBe(1);
    await reader.flush();
    // As a worker of a version that folds otherwise finds it.
    const stored = await views.open('key-value');
    const checkpoint = JSON.stringify({ ...(JSON.parse(stored?.checkpoint ?? '') as object), version: 0 });
    await views.commit('key-value', { expected: stored?.checkpoint, checkpoint, put: new Map(), remove: [] });
    const later = await openReplica({ rows, views, held: true });
    expect(await keysOf(later)).toEqual(['a']);
    expect(await later.heldBack()).toBe(1);
    expect(await later.release()).toEqual(['b']);
  });

  test('VIEW2 S2.27: another context of the device learns that a log was set aside when it catches up', async () => {
    const { left, right, log, again } = await forked(createMemoryViewStore());
    const other = await again();
    expect(await keysOf(other)).toContain('left 3');
    await left.setAside(log, {});
    await copyAll(right, left);
    await other.catchUp();
    expect(await keysOf(other)).toEqual(await keysOf(right));
  });
});

interface UnreadableRuns {
  readonly rows: RowStore;
  /** No entries can be read while it runs its body. */
  readonly fail: (body: () => Promise<void>) => Promise<void>;
  /** The next entries asked for come once told to. */
  readonly pause: () => { readonly isAsked: Promise<void>; readonly goOn: () => void };
}

function unreadableRuns(): UnreadableRuns {
  const rows = createMemoryRowStore();
  let beforeRuns = async (): Promise<void> => {};
  const runsOf = async (tx: RowReader, asked: Parameters<RowReader['runs']>): Promise<readonly RunRow[]> => {
    await beforeRuns();
    return tx.runs(...asked);
  };
  return {
    rows: { ...rows, read: (body) => rows.read((tx) => body({ ...tx, runs: (...asked) => runsOf(tx, asked) })) },
    async fail(body) {
      beforeRuns = () => Promise.reject(new Error('the disk is ill'));
      await body();
      beforeRuns = async () => {};
    },
    pause() {
      const [asked, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      beforeRuns = () => {
        asked.resolve();
        return going.promise;
      };
      return { isAsked: asked.promise, goOn: going.resolve };
    },
  };
}

/** Hands everything over to the store alone, as a life does that is stopped before it folds. */
async function storeAll(from: ServingReplica, { store }: Replica): Promise<void> {
  const hash = await hashSpace(crypto, from.space);
  const { runs } = await from.store.after(0);
  const verified = await Promise.all(runs.map((run) => verifyRun(crypto, hash, encodeRun(run))));
  await store.merge(verified.filter((run) => typeof run !== 'string'));
}
