import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../../core/log/bytes.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { proveFork, verifyForkProof } from '../../../core/log/fork.ts';
import type { ForkProof, ServingLogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { VerifiedRun } from '../../../core/log/run.ts';
import { NO_ENTRY } from '../../../core/log/header.ts';
import { decodeRun } from '../../../core/log/run-codec.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createRepeatableCrypto, createTestWriter, joined, numbered, SPACE_HASH, verified } from './test-writer.ts';
import type { TestWriter } from './test-writer.ts';

const crypto = createNodeCrypto();

interface Branches {
  readonly log: string;
  readonly shared: VerifiedRun;
  readonly a: readonly VerifiedRun[];
  readonly b: readonly VerifiedRun[];
}

/** One writer, twice at the same end of its log: sequences 0 to 4 shared, then two histories of runs of 2. */
async function branches(): Promise<Branches> {
  const start = createTestWriter('forked', createRepeatableCrypto('forked'));
  const shared = await start.writeRun(...numbered(5));
  const write = async (writer: TestWriter): Promise<VerifiedRun[]> => [
    await writer.writeRun(...numbered(2, 100)),
    await writer.writeRun(...numbered(2, 200)),
    await writer.writeRun(...numbered(2, 300)),
  ];
  const other = createTestWriter('forked', createRepeatableCrypto('restored backup'), start.end());
  return { log: start.log, shared, a: await write(start), b: await write(other) };
}

function createStore(): ServingLogStore {
  return createServingLogStore(createMemoryRowStore(), crypto);
}

async function proofOf(store: ServingLogStore): Promise<ForkProof> {
  const [proof] = await store.forks();
  if (proof === undefined) throw new Error('no fork was noticed');
  return proof;
}

describe('a writer that contradicts itself', () => {
  test('S1.10 LOG15 is found out in any order of arrival; what came first stays, and the proof convicts by itself', async () => {
    const { log, shared, a, b } = await branches();
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const store = createStore();
      await store.merge([shared, ...first]);
      const ids = await Promise.all([5, 6, 7, 8, 9, 10].map((sequence) => store.entryId(log, sequence)));
      const { verdicts } = await store.merge(second);
      expect(verdicts).toEqual([{ kind: 'fork' }, { kind: 'fork' }, { kind: 'fork' }]);
      expect(await Promise.all([5, 6, 7, 8, 9, 10].map((sequence) => store.entryId(log, sequence)))).toEqual(ids);
      const proof = await proofOf(store);
      expect([proof.log, proof.sequence]).toEqual([log, 5]);
      expect(await verifyForkProof(crypto, SPACE_HASH, proof)).toBe(true);
    }
  });

  test('S1.10 LOG15 is found out by a run that only names the entry before it', async () => {
    const { log, shared, a, b } = await branches();
    const store = createStore();
    await store.merge([shared, ...a.slice(0, 2)]);
    // b's third run starts right above a's head: only the previous id contradicts.
    expect((await store.merge([b[2] as VerifiedRun])).verdicts).toEqual([{ kind: 'fork' }]);
    const proof = await proofOf(store);
    expect([proof.log, proof.sequence]).toEqual([log, 8]);
    expect(await verifyForkProof(crypto, SPACE_HASH, proof)).toBe(true);
  });

  test('S1.10 LOG15 is found out within one long run and after rows were merged', async () => {
    const { log, shared, a, b } = await branches();
    const store = createStore();
    await store.merge([await verified(joined([shared, ...a]))]);
    expect((await store.merge([await verified(joined([shared, b[0] as VerifiedRun]))])).verdicts).toEqual([
      { kind: 'fork' },
    ]);
    const proof = await proofOf(store);
    expect(proof.sequence).toBe(5);
    expect(await verifyForkProof(crypto, SPACE_HASH, proof)).toBe(true);
    expect((await store.head(log))?.sequence).toBe(10);
  });

  test('S1.10 does not stop the log of anybody else', async () => {
    const { shared, a, b } = await branches();
    const store = createStore();
    const honest = createTestWriter('honest');
    await store.merge([shared, ...a, ...b]);
    expect((await store.merge([await honest.writeRun(...numbered(3))])).verdicts).toEqual([
      { kind: 'accepted', first: 0 },
    ]);
    expect((await store.forks()).map(({ log }) => log)).not.toContain(honest.log);
  });
});

describe('a proof', () => {
  test('LOG15 shows headers and no bodies', async () => {
    const { shared, a, b } = await branches();
    const store = createStore();
    await store.merge([shared, ...a, ...b]);
    for (const { held, other } of await store.forks()) {
      for (const wire of [held, other]) {
        const run = decodeRun(wire);
        expect(typeof run === 'string' ? [run] : run.entries.map(({ content }) => content.form)).toEqual([
          'withheld',
          'withheld',
        ]);
      }
    }
  });

  test('LOG15 convicts nobody when it is altered, of another space, or of no contradiction', async () => {
    const { log, shared, a, b } = await branches();
    const store = createStore();
    await store.merge([shared, ...a, ...b]);
    const proof = await proofOf(store);
    const verify = (changed: Partial<ForkProof>): Promise<boolean> =>
      verifyForkProof(crypto, SPACE_HASH, { ...proof, ...changed });
    expect(await verify({})).toBe(true);
    expect(await verify({ sequence: proof.sequence + 1 })).toBe(false);
    expect(await verify({ log: createTestWriter('innocent').log })).toBe(false);
    expect(await verify({ other: proof.held })).toBe(false);
    expect(await verify({ other: (a[1] as VerifiedRun).bytes })).toBe(false);
    expect(await verify({ other: (await createTestWriter('innocent').writeRun(...numbered(7))).bytes })).toBe(false);
    expect(await verifyForkProof(crypto, await hashSpace(crypto, 'another'), proof)).toBe(false);
    for (const side of ['held', 'other'] as const) {
      for (let at = 0; at < proof[side].length; at++) {
        const altered: Bytes = proof[side].slice();
        altered[at] = (altered[at] ?? 0) ^ 1;
        expect(await verify({ [side]: altered }), `${side} byte ${at}`).toBe(false);
      }
    }
    expect(
      await proveFork(crypto, [shared.run, ...a.map(({ run }) => run)], (a[1] as VerifiedRun).run),
    ).toBeUndefined();
    expect(proof.log).toBe(log);
  });

  test('LOG15 of the branches that a peer goes on to sign, a store keeps the first evidence and a few more; LOG16 what it sets aside it keeps whole', async () => {
    const { log, shared, a } = await branches();
    const store = createStore();
    await store.merge([shared, ...a]);
    for (let i = 0; i < 40; i++) {
      const branch = createTestWriter('forked', createRepeatableCrypto(`branch ${i}`), {
        sequence: 4,
        id: shared.ids[4] ?? NO_ENTRY,
      });
      expect((await store.merge([await branch.writeRun({ text: `{"events":[${i}]}` })])).verdicts).toEqual([
        { kind: 'fork' },
      ]);
    }
    const first = await proofOf(store);
    expect(await verifyForkProof(crypto, SPACE_HASH, first)).toBe(true);
    expect(await store.forks()).toHaveLength(16);
    await store.setAside(log);
    await store.merge([shared]);
    const other = await createTestWriter('forked', createRepeatableCrypto('yet another'), {
      sequence: 4,
      id: shared.ids[4] ?? NO_ENTRY,
    }).writeRun({ text: '{"events":["last"]}' });
    await store.merge([other]);
    // All of what was held contradicts the new branch now, however many are kept of peers.
    expect((await store.forks()).length).toBeGreaterThan(16);
  });
});
