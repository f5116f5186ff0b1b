import { describe, expect, test } from 'vitest';
import type { Draft } from '../../../core/engine/replica.ts';
import { toBase64Url, utf8 } from '../../../core/log/bytes.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import { createAccountWriter, createResponder } from '../server/responder.ts';

const put = (key: string, value: number | string): Draft => ({ writes: [{ key, value }] });

describe('key-value view, rare entries', () => {
  test('VIEW3 VIEW8: a copy that is refused is shown nowhere, whether its refusal comes first or last', async () => {
    const [writer, authority] = [await openReplica(), await openReplica({ account: 'server' })];
    await writer.append([put('a', 'spam')]);
    await writer.rotate('fork', 0);
    const log = writer.ownLog() ?? '';
    const head = await writer.store.head(log);
    const copy = { log, sequence: head?.sequence ?? 0, id: toBase64Url(head?.id ?? utf8('')) };
    await authority.state([{ kind: 'refuse', ...copy, code: 'forbidden', reason: 'spam' }]);
    const runs = (await writer.store.range(log, 0, 9)).map(encodeRun);
    const [early, late] = [await openReplica(), await openReplica()];
    for (const one of [early, late]) await one.setAuthorities([authority.ownLog() ?? '']);
    await copyAll(authority, early);
    await early.merge(runs);
    await late.merge(runs);
    await copyAll(authority, late);
    for (const one of [early, late]) expect(await one.view.item('a')).toBeUndefined();
    expect(await early.view.canonicalState()).toBe(await late.view.canonicalState());
  });

  test('VIEW1 VIEW8: an entry of several keys is seen whole or not at all, also while it is taken back', async () => {
    const [writer, authority, reader] = [await openReplica(), await openReplica({ account: 'server' }), await openReplica()];
    const keys = ['a', 'b', 'c'];
    const [appended] = await writer.append([{ writes: keys.map((key) => ({ key, value: 'spam' })) }]);
    await reader.setAuthorities([(await authority.state([{ kind: 'enrol', log: writer.ownLog() ?? '', account: 'ann' }]))[0]?.log ?? '']);
    await copyAll(writer, reader);
    if (appended === undefined) throw new Error('one draft makes one entry');
    await authority.state([{ kind: 'refuse', ...appended, code: 'forbidden', reason: 'spam' }]);
    const taking = copyAll(authority, reader);
    const end = { isHere: false };
    void taking.then(() => (end.isHere = true));
    const seen = new Set<number>();
    while (!end.isHere) seen.add((await reader.view.items('')).length);
    seen.add((await reader.view.items('')).length);
    expect(seen).toEqual(new Set([keys.length, 0]));
  });

  test('VIEW5: a version that is named as a parent twice, by sequence and by id, is superseded once', async () => {
    const at = createResponder();
    const [writer, other] = [await createAccountWriter('ann'), await createAccountWriter('ann', 'other')];
    const putWith = (value: number, ...parents: (string | number)[]): { text: string } => ({ text: JSON.stringify({ writes: [['put', 'k', value, parents]] }) });
    await at.ask({ runs: [writer.opening, ...(await writer.runs(putWith(1))), other.opening, ...(await other.runs(putWith(2)))] });
    await at.ask({ runs: await writer.runs(putWith(3, 1, toBase64Url(writer.end().id))) });
    await at.spaces.use('test space', async ({ replica }) => {
      expect((await replica.view.item('k'))?.live.map(({ value }) => value).toSorted()).toEqual([2, 3]);
    });
  });
});
