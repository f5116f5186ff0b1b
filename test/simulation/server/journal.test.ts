import { expect, test } from 'vitest';
import type { Durability, RowStore } from '../../../core/log/row-store.ts';
import type { SimProcess } from '../world/process.ts';
import type { World } from '../world/world.ts';
import { createWorld } from '../world/world.ts';
import type { ServerDisk } from './server-disk.ts';
import { createServerDisk } from './server-disk.ts';

interface Machine {
  readonly world: World;
  readonly disk: ServerDisk;
  /** Commits values `from` to `to`, one after another, each named by its number; returns how many had resolved by `untilMs`. */
  readonly commit: (from: number, to: number, durability: Durability, untilMs?: number) => Promise<number>;
  readonly program: SimProcess;
  /** The numbers that are stored, in order. */
  readonly held: () => number[];
}

function createMachine(seed: number): Machine {
  const world = createWorld({ seed });
  const disk = createServerDisk(world, world.random.fork('disk'));
  const program = world.spawn({ name: 'program', globals: {} }, () => undefined);
  let rows: RowStore | undefined;

  async function commit(from: number, to: number, durability: Durability, untilMs = 10_000): Promise<number> {
    let resolved = 0;
    const write = async (): Promise<void> => {
      rows ??= disk.connect().database.space('team').rows;
      for (let i = from; i <= to; i++) {
        await rows.write(durability, (tx) => tx.putValue(String(i), 'x'));
        resolved += 1;
      }
    };
    world.after(0, 'writes', () => void write(), program);
    await world.run(world.now() + untilMs, () => resolved === to - from + 1);
    return resolved;
  }

  const held = (): number[] => [...disk.rows('team').values.keys()].map(Number).toSorted((a, b) => a - b);
  return { world, disk, commit, program, held };
}

function numbers(to: number): number[] {
  return Array.from({ length: to }, (_, i) => i + 1);
}

test('LOG10 S1.5 a power cut takes back relaxed commits from some point on, and nothing that was synced', async () => {
  const survivors = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const { world, disk, commit, program, held } = createMachine(seed);
    expect(await commit(1, 3, 'relaxed')).toBe(3);
    expect(await commit(4, 4, 'strict')).toBe(1);
    expect(disk.unsyncedCommits()).toBe(0);
    expect(await commit(5, 8, 'relaxed')).toBe(4);
    expect([disk.unsyncedCommits(), held()]).toEqual([4, numbers(8)]);
    world.kill(program);
    disk.powerCut();
    expect(held()).toEqual(numbers(held().length));
    expect(held().length).toBeGreaterThanOrEqual(4);
    survivors.add(held().length);
  }
  expect(survivors).toEqual(new Set([4, 5, 6, 7, 8]));
});

test('LOG10 a strict commit that has resolved survives, one that has not is there whole or not at all, and a kill loses nothing', async () => {
  let [whole, absent] = [0, 0];
  for (let seed = 1; seed <= 40; seed++) {
    const { world, disk, commit, program, held } = createMachine(seed);
    const resolved = await commit(1, 50, 'strict', 60);
    expect(resolved).toBeLessThan(50);
    world.kill(program);
    const atDeath = held();
    await world.run(world.now() + 1_000);
    // What waited in the program is lost with it.
    expect(held()).toEqual(atDeath);
    disk.powerCut();
    expect(held()).toEqual(atDeath);
    expect([resolved, resolved + 1]).toContain(atDeath.length);
    if (atDeath.length > resolved) whole += 1;
    else absent += 1;
  }
  expect(Math.min(whole, absent)).toBeGreaterThan(0);
});

test('LOG10 what is old enough was written by the machine in its own time', async () => {
  const { world, disk, commit, program, held } = createMachine(1);
  await commit(1, 5, 'relaxed');
  await world.run(world.now() + 60_000);
  world.kill(program);
  disk.powerCut();
  expect(held()).toEqual(numbers(5));
});

test('SYNC4 a backup is a copy: what is written later leaves it alone, and restoring it twice gives it twice', async () => {
  const { disk, commit, held } = createMachine(1);
  await commit(1, 3, 'strict');
  const backup = disk.backUp();
  await commit(4, 6, 'strict');
  disk.restore(backup, 'kept');
  expect(held()).toEqual(numbers(3));
  await commit(4, 9, 'relaxed');
  disk.restore(backup, 'kept');
  expect(held()).toEqual(numbers(3));
  // What was not synced before the restore is nothing to be taken back after it.
  disk.powerCut();
  expect(held()).toEqual(numbers(3));
});
