import { describe, expect, test } from 'vitest';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { verifyForkProof } from '../../../core/log/fork.ts';
import { KIND } from '../../../core/log/header.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import type { Life, TestServer } from './copies-world.ts';
import { createDisk, createTestServer, expectEverywhere, startLife } from './copies-world.ts';

const crypto = createNodeCrypto();

/** Two copies that both wrote; only what they wrote before was sent. */
async function forked(server: TestServer): Promise<{ a: Life; b: Life; log: string }> {
  const disk = createDisk();
  const a = await startLife(server, disk);
  await a.write('a');
  await a.sync();
  const b = await startLife(server, await disk.copy());
  await a.write('of a');
  await b.write('of b');
  return { a, b, log: a.replica.ownLog() ?? '' };
}

async function expectProven(life: Life, log: string): Promise<void> {
  expect(await life.replica.forkedLogs()).toEqual([log]);
  const spaceHash = await hashSpace(crypto, life.replica.space);
  const proofs = (await life.replica.forks()).filter((proof) => proof.log === log);
  expect(proofs.length).toBeGreaterThan(0);
  for (const proof of proofs) {
    expect(proof.sequence).toBe(2);
    expect(await verifyForkProof(crypto, spaceHash, proof)).toBe(true);
  }
}

async function countVerdicts({ replica }: Life): Promise<number> {
  const runs = await Promise.all(replica.authorities().map((log) => replica.store.range(log, 0, 100)));
  return runs.flat().flatMap(({ entries }) => entries.filter(({ kind }) => kind === KIND.forkVerdict)).length;
}

describe('fork proofs', () => {
  test('SYNC16 S1.10: when two copies did write, every replica has the proof, also one that saw one branch; all goes on', async () => {
    const server = createTestServer();
    const { a, b, log } = await forked(server);
    const disk = createDisk();
    const witness = await startLife(server, disk, undefined, 'tablet');
    await witness.sync();
    for (const one of [a, b, a, witness]) expect(await one.sync()).toBe('level');
    const fresh = await startLife(server, createDisk(), undefined, 'new');
    await fresh.sync();
    for (const one of [a, b, witness, fresh, await startLife(server, disk)]) await expectProven(one, log);
    await a.write('later of a');
    await b.write('later of b');
    for (const one of [a, b, a, witness]) expect(await one.sync()).toBe('level');
    await expectEverywhere(server, ['a', 'later of a', 'later of b', 'of a', 'of b'], a, b, witness);
  });

  test('SYNC16: a fork is said once, however often its branches are sent', async () => {
    const server = createTestServer();
    const { a, b, log } = await forked(server);
    await a.sync();
    const disk = createDisk();
    await copyAll(b.replica, await openReplica({ rows: disk.rows }));
    for (let i = 0; i < 3; i++) await (await startLife(server, await disk.copy(), undefined, `carrier ${i}`)).sync();
    await b.sync();
    const reader = await startLife(server, createDisk());
    await reader.sync();
    expect(await countVerdicts(reader)).toBe(1);
    await expectProven(reader, log);
  });

  test('SYNC16: a server that stopped between the evidence and its verdict says it at the next start', async () => {
    const server = createTestServer();
    const { a, b, log } = await forked(server);
    const disk = createDisk();
    const evidence = await openReplica({ rows: disk.rows });
    for (const one of [a, b]) await copyAll(one.replica, evidence);
    await server.restore(disk);
    for (let start = 0; start < 2; start++) {
      const reader = await startLife(server, createDisk());
      await reader.sync();
      await expectProven(reader, log);
      expect(await countVerdicts(reader)).toBe(1);
      await server.restore(await server.backup());
    }
  });

  test('SYNC16 LOG15: a verdict whose proof proves nothing convicts nobody', async () => {
    const server = createTestServer();
    const { a, b, log } = await forked(server);
    for (const one of [a, b, a]) await one.sync();
    const [proof] = await a.replica.forks();
    if (proof === undefined) throw new Error('there is a proof');
    const [held, other] = [toBase64Url(proof.held), toBase64Url(proof.other)];
    const said = { kind: 'forkVerdict', log, sequence: proof.sequence, held, other } as const;
    const verdicts = [
      { ...said, other: held },
      { ...said, log: a.replica.authorities()[0] ?? '' },
      { ...said, sequence: 1 },
      { ...said, other: `${other.slice(0, -4)}AAAA` },
    ];
    for (const [verdict, convicted] of [...verdicts.map((one) => [one, []] as const), [said, [log]] as const]) {
      const [authority, reader] = [await openReplica({ account: 'server' }), await openReplica()];
      await authority.state([verdict]);
      await copyAll(authority, reader);
      // A verdict of nobody is none.
      expect(await reader.forkedLogs()).toEqual([]);
      await reader.setAuthorities([authority.ownLog() ?? '']);
      expect(await reader.forkedLogs()).toEqual(convicted);
      expect((await reader.forks()).map((one) => one.log)).toEqual(convicted);
    }
  });
});
