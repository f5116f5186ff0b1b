import { expect, test } from 'vitest';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { shuffled } from '../../support/random.ts';
import { deviceOf, readHistory, readOracle } from '../../support/git-history.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { openReplica } from '../../support/node-replica.ts';

/** Writes the recorded history by one replica for each of its 172 devices, in its order, with its parents. */
async function writeHistory(): Promise<ServingReplica[]> {
  const replicas = new Map<string, ServingReplica>();
  const ids: string[] = [];
  for (const entry of readHistory()) {
    const replica = replicas.get(deviceOf(entry)) ?? (await openReplica());
    replicas.set(deviceOf(entry), replica);
    const parents = entry.p.map((parent) => ids[parent] ?? '');
    const write = { key: entry.k, parents, ...(entry.v === null ? { deleted: true as const } : { value: entry.v }) };
    const [appended] = await replica.append([{ writes: [write] }]);
    ids[entry.i] = appended?.id ?? '';
  }
  return [...replicas.values()];
}

test('S1.17 VIEW1 VIEW3: the real history gives its own end and exactly its 682 collisions, in any order of delivery', { timeout: 120_000 }, async () => {
  const writers = await writeHistory();
  expect(writers).toHaveLength(172);
  const states: string[] = [];
  for (const seed of [1, 2]) {
    const reader = await openReplica();
    for (const writer of shuffled(writers, seed)) {
      const { runs } = await writer.store.after(0);
      await reader.merge(runs.map(encodeRun));
    }
    const collisions = await reader.view.collisions();
    const firstWrites = collisions.filter(({ parent }) => parent === null);
    expect([collisions.length, firstWrites.length]).toEqual([682, 46]);
    const live = (await reader.view.items('')).filter((item) => !item.live[0].deleted);
    expect(live.filter(({ conflict, incomplete }) => conflict || incomplete)).toEqual([]);
    expect(new Map(live.map((item) => [item.key, item.live[0].value]))).toEqual(readOracle());
    states.push(await reader.view.canonicalState());
  }
  expect(states[0]).toBe(states[1]);
});
