import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import type { CanaryBox, Disk, Fault, Life, TestServer } from './copies-world.ts';
import { createCanaryBox, createDisk, createTestServer, killAfter, startLife } from './copies-world.ts';

/** What befalls up to three copies of one device and their server. */
type Op =
  | { readonly type: 'write' | 'restart' | 'backup'; readonly who: number }
  | { readonly type: 'sync'; readonly who: number; readonly fault: Fault }
  | { readonly type: 'killed sync'; readonly who: number; readonly writes: number }
  | { readonly type: 'clone'; readonly who: number; readonly to: number; readonly canary: boolean }
  | { readonly type: 'restore' | 'evict'; readonly who: number; readonly canary: boolean }
  | { readonly type: 'server backup' | 'server restore'; readonly who: number };

interface Copy {
  disk: Disk;
  canary: CanaryBox;
  life: Life;
  saved: Disk | undefined;
}

const COPIES = 3;
const LEVEL_WITHIN_TURNS = 6;
const who = fc.nat({ max: COPIES - 1 });
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), who }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('sync' as const), who, fault: fc.constantFrom<Fault>('none', 'none', 'request lost', 'answer lost') }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('killed sync' as const), who, writes: fc.nat({ max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'backup' as const), who }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('clone' as const), who, to: who, canary: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('restore' as const, 'evict' as const), who, canary: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('server backup' as const, 'server restore' as const), who }) },
);

async function createWorld(): Promise<{ readonly apply: (op: Op) => Promise<void>; readonly settle: () => Promise<void> }> {
  const server: TestServer = createTestServer();
  const copies: Copy[] = [];
  for (let i = 0; i < COPIES; i++) copies.push(await createCopy(createDisk(), createCanaryBox()));
  let serverSaved = await server.backup();
  let count = 0;
  /** Written, and not only on a disk that is gone. */
  let kept = new Set<string>();

  async function createCopy(disk: Disk, canary: CanaryBox): Promise<Copy> {
    return { disk, canary, life: await startLife(server, disk, canary), saved: undefined };
  }

  async function replace(i: number, disk: Disk, canary: CanaryBox): Promise<void> {
    const saved = copies[i]?.saved;
    copies[i] = { ...(await createCopy(disk, canary)), saved };
    await forgetWhatIsGone();
  }

  /** What was only on a disk that was put aside is lost, and nobody's fault. */
  async function forgetWhatIsGone(): Promise<void> {
    const reader = await startLife(server, createDisk());
    await reader.sync();
    const held = new Set((await Promise.all([reader, ...copies.map(({ life }) => life)].map((life) => life.seen()))).flat());
    kept = new Set([...kept].filter((id) => held.has(id)));
  }

  async function apply(now: Op): Promise<void> {
    const copy = copies[now.who];
    if (copy === undefined) throw new Error('there is no such copy');
    switch (now.type) {
      case 'write':
        count += 1;
        await copy.life.write(`${count}`);
        kept.add(`${count}`);
        return;
      case 'sync':
        await copy.life.sync(now.fault);
        return;
      case 'killed sync': {
        const dying = await startLife(server, killAfter(copy.disk, now.writes), copy.canary).catch(() => undefined);
        await dying?.sync().catch(() => undefined);
        copy.life = await startLife(server, copy.disk, copy.canary);
        return;
      }
      case 'restart':
        copy.life = await startLife(server, copy.disk, copy.canary);
        return;
      case 'backup':
        copy.saved = await copy.disk.copy();
        return;
      case 'clone':
        if (now.to !== now.who) return replace(now.to, await copy.disk.copy(), createCanaryBox(now.canary ? copy.canary.peek() : undefined));
        return;
      case 'restore':
        if (copy.saved !== undefined) return replace(now.who, await copy.saved.copy(), now.canary ? copy.canary : createCanaryBox());
        return;
      case 'evict':
        return replace(now.who, createDisk(), now.canary ? copy.canary : createCanaryBox());
      case 'server backup':
        serverSaved = await server.backup();
        return;
      case 'server restore':
        await server.restore(serverSaved);
        return forgetWhatIsGone();
    }
  }

  /** Faults stop: all become level within a few turns, see the same, and go on writing. */
  async function settle(): Promise<void> {
    await syncAll();
    await expectSame();
    for (const i of copies.keys()) await apply({ type: 'write', who: i });
    await syncAll();
    await expectSame();
  }

  async function syncAll(): Promise<void> {
    for (let turn = 0; turn < LEVEL_WITHIN_TURNS; turn++) for (const { life } of copies) await life.sync();
    for (const { life } of copies) expect(await life.sync()).toBe('level');
  }

  async function expectSame(): Promise<void> {
    const reader = await startLife(server, createDisk());
    await reader.sync();
    const [seen, state] = [await reader.seen(), await reader.replica.view.canonicalState()];
    expect([...kept].filter((id) => !seen.includes(id))).toEqual([]);
    expect(new Set(seen).size).toBe(seen.length);
    for (const { life } of copies) {
      expect(await life.seen()).toEqual(seen);
      expect(await life.replica.view.canonicalState()).toBe(state);
      const { blocked, forked, moving, setback } = await readMemory(life.replica.store);
      expect([blocked, forked, moving, setback]).toEqual([{}, [], undefined, undefined]);
    }
  }

  return { apply, settle };
}

const RUNS = Number(process.env['WAKELOG_COPIES_RUNS'] ?? 60);

test('SYNC14 LOG16 S1.2 S1.10: copies that are cloned, put back, emptied and killed, with a server that is put back: nothing is lost or doubled, all go on', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 40 }), async (ops) => {
      const world = await createWorld();
      for (const one of ops) await world.apply(one);
      await world.settle();
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 500_000 },
  );
});
