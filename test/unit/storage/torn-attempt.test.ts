import { describe, expect, test } from 'vitest';
import { appendOnce } from '../../../core/engine/append-once.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import type { IndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { openReplica } from '../../support/node-replica.ts';
import { callerOf } from '../rest/test-collection.ts';
import { createResponder } from '../server/responder.ts';
import { deviceOf } from '../sync/open-device.ts';
import { imageOf, newName, opsOf, tear } from './tear.ts';

const put = (key: string) => [{ writes: [{ key: `/api/tasks/${key}`, value: {} }] }];

/** Writes once, however often it is asked to. */
type WriteOnce = (replica: ServingReplica) => Promise<unknown>;

const attempt: WriteOnce = (replica) => appendOnce(replica, 'attempt', put('b'));

const request: WriteOnce = async (replica) => {
  const answer = await callerOf(replica)('POST', '/api/tasks', { id: 'b' }, { 'idempotency-key': 'once' });
  expect(answer).toMatchObject({ status: 201, json: { id: 'b' } });
  // What comes back from the server has no tag before it is here.
  const item = await replica.view.item('/api/tasks/b');
  expect('etag' in answer.headers).toBe(item !== undefined);
};

/** Every state that a power cut may leave of two transactions after `a`: the first ones of the former's writes lack. */
async function* tornStores(former: WriteOnce, latter: WriteOnce): AsyncGenerator<readonly [string, IndexedDbStore]> {
  const name = newName();
  const { rows, views } = await openIndexedDbStore(name);
  const replica = await openReplica({ rows, views });
  await replica.append(put('a'));
  const before = await imageOf(name);
  const [torn, after] = [await opsOf(() => former(replica)), await opsOf(() => latter(replica))];
  await replica.close();
  for (let first = 0; first <= torn.length; first++) {
    yield [`without the first ${first} of ${torn.length}`, await tear(before, [...torn.slice(first), ...after], 0)];
  }
}

/** The same, opened. */
async function* tornStates(former: WriteOnce, latter: WriteOnce): AsyncGenerator<readonly [string, ServingReplica]> {
  for await (const [what, store] of tornStores(former, latter)) {
    const replica = await openReplica(store);
    yield [what, replica];
    await replica.close();
  }
}

async function shown({ view }: ServingReplica): Promise<string> {
  return (await view.items(''))
    .map(({ key, live }) => `${key.slice(-1)}${live.length}`)
    .toSorted()
    .join(' ');
}

describe('what a power cut left the name of', () => {
  for (const [rule, once, prefix] of [
    ['CAP30 an attempt', attempt, 'attempt:'],
    ['CAP26 a request', request, 'request:'],
  ] as const) {
    const more: WriteOnce = (replica) => replica.append(put('c'));

    for (const [where, after, all] of [
      ['last', async () => undefined, 'a1 b1'],
      ['not last', more, 'a1 b1 c1'],
    ] as const) {
      test(`LOG21 ${rule} is made when it is asked for again, and once: ${where}`, async () => {
        for await (const [what, replica] of tornStates(once, after)) {
          for (let times = 0; times < 2; times++) await once(replica);
          expect(await shown(replica), what).toBe(all);
          expect((await replica.store.head(replica.ownLog() ?? ''))?.sequence).toBeLessThan(5);
        }
      });
    }

    test(`LOG21 ${rule} whose entry follows the gap went on in another log, and is not made twice`, async () => {
      for await (const [what, replica] of tornStates(more, once)) {
        const entries = async () => (await replica.store.head(replica.ownLog() ?? ''))?.sequence;
        const before = [await entries(), await shown(replica)];
        await once(replica);
        expect([await entries(), await shown(replica)], what).toEqual(before);
      }
    });

    test(`LOG21 ${rule} that a server has acknowledged is not made again: it comes back`, async () => {
      const [at, name] = [createResponder(), newName()];
      const replica = await openReplica(await openIndexedDbStore(name));
      const device = await deviceOf(at, replica);
      await replica.append(put('a'));
      expect(await device.syncNow('call')).toBe('level');
      await replica.flush();
      const before = await imageOf(name);
      const torn = await opsOf(() => once(replica));
      const after = await opsOf(async () => {
        expect(await device.syncNow('call')).toBe('level');
        await more(replica);
        expect(await device.syncNow('call')).toBe('level');
      });
      for (let first = 0; first <= torn.length; first++) {
        const again = await openReplica(await tear(before, [...torn.slice(first), ...after], 0));
        const isNamed = (await again.store.valuesUnder(prefix)).size > 0;
        const next = await deviceOf(at, again);
        if (isNamed) await once(again);
        expect(await next.syncNow('call')).toBe('level');
        expect(await shown(again), `without the first ${first} of ${torn.length}`).toBe('a1 b1 c1');
        expect(await again.view.collisions()).toEqual([]);
        await next.close();
      }
      await device.close();
    });

    test(`LOG21 S1.1: ${rule} is made again, though another context mends the log at the same time`, async () => {
      for await (const [what, store] of tornStores(once, more)) {
        const [gap, mended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        // It saw the gap, and goes on when the other one has mended it.
        const write: RowStore['write'] = async (durability, body) => {
          gap.resolve();
          await mended.promise;
          return store.rows.write(durability, body);
        };
        const late = openReplica({ ...store, rows: { ...store.rows, write } });
        await Promise.race([gap.promise, late]);
        await openReplica(store);
        mended.resolve();
        const replica = await late;
        await once(replica);
        expect(await shown(replica), what).toBe('a1 b1 c1');
      }
    });
  }
});
