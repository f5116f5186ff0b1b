import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../../core/log/bytes.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { MAX_BODY_BYTES } from '../../../core/log/limits.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { Run } from '../../../core/log/run.ts';
import { lastSequence } from '../../../core/log/run.ts';
import { decodeRun, encodeRun } from '../../../core/log/run-codec.ts';
import { headersOnly, sliceRun } from '../../../core/log/run-shape.ts';
import { verifyRun } from '../../../core/log/run-verify.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createTestWriter, joined, numbered, SPACE_HASH } from './test-writer.ts';

const crypto = createNodeCrypto();

function bytes(length: number): Bytes {
  return new Uint8Array(length).fill(0x61);
}

async function expectVerifies(run: Run, what: string): Promise<void> {
  expect(typeof (await verifyRun(crypto, SPACE_HASH, encodeRun(run))), what).toBe('object');
}

describe('a run that verifies verifies in every shape it can take', () => {
  test('LOG4 bodies shorter than their hash, left out or erased, do not make a run too large', async () => {
    const writer = createTestWriter();
    const empty = Array.from({ length: 255 }, () => ({ parts: [bytes(0)] }));
    let accepted = 0;
    for (let large = 30_000; large <= 44_000; large += 500) {
      const run = joined(await writer.write({ parts: [bytes(large)] }, ...empty));
      if (typeof (await verifyRun(crypto, SPACE_HASH, encodeRun(run))) === 'string') continue;
      accepted += 1;
      await expectVerifies(await sliceRun(crypto, run, run.first, run.first), `${large} bytes and 255 bodies left out`);
      await expectVerifies(await sliceRun(crypto, run, run.first + 1, lastSequence(run)), 'all but the first');
    }
    expect(accepted).toBeGreaterThan(0);
  });

  test('LOG4 one entry of the largest body and the most parts stays readable, however its parts are erased', async () => {
    const writer = createTestWriter();
    const parts = [bytes(MAX_BODY_BYTES - 1_025 * 33), ...Array.from({ length: 1_024 }, () => bytes(0))];
    const run = await writer.writeRun({ parts });
    const store = createServingLogStore(createMemoryRowStore(), crypto);
    await store.merge([run]);
    for (let part = 1; part <= 1_024; part++) await store.eraseBody(writer.log, 0, part);
    const [held] = await store.range(writer.log, 0, 0);
    if (held === undefined) throw new Error('not held');
    await expectVerifies(held, 'with erased parts');
  });

  test('LOG4 a run whose bodies were left out cannot promise more than a run holds', async () => {
    const writer = createTestWriter();
    const large = await writer.write(...Array.from({ length: 3 }, () => ({ parts: [bytes(40_000)] })));
    expect(large.length).toBe(3);
    const promise = await headersOnly(crypto, joined(large));
    expect(await verifyRun(crypto, SPACE_HASH, encodeRun(promise))).toBe('too-large');
  });

  test('LOG4 rows that lack bodies, merged with their neighbours, have room for them', async () => {
    const writer = createTestWriter();
    const store = createServingLogStore(createMemoryRowStore(), crypto);
    const lacking: Run[] = [];
    for (let i = 0; i < 20; i++) {
      const { run } = await writer.writeRun(
        { text: `first ${i}` },
        { parts: [bytes(12_000)] },
        { parts: [bytes(100), bytes(200)] },
      );
      lacking.push(run);
    }
    for (const run of lacking) {
      const slice = await sliceRun(crypto, run, run.first, run.first);
      const verified = await verifyRun(crypto, SPACE_HASH, encodeRun(slice));
      if (typeof verified === 'string') throw new Error(verified);
      await store.merge([verified]);
    }
    for (let i = 0; i < 40; i++) await store.merge([await writer.writeRun(...numbered(1, i))]);
    for (const run of lacking) {
      const verified = await verifyRun(crypto, SPACE_HASH, encodeRun(run));
      if (typeof verified === 'string') throw new Error(verified);
      await store.merge([verified]);
    }
    const held = await store.range(writer.log, 0, 99, Number.MAX_SAFE_INTEGER);
    expect(held.flatMap((run) => run.entries).filter((entry) => entry.content.form !== 'body')).toEqual([]);
    for (const run of held) await expectVerifies(run, `row from ${run.first}`);
  });

  test('LOG1 a clock that no step could express is refused before it can be merged or cut', async () => {
    const writer = createTestWriter();
    const latest = 2 ** 52 - 1;
    const runs = await writer.write({ clock: latest }, { clock: latest + 2 ** 51 });
    for (const { run, bytes: wire } of runs) {
      if (typeof (await verifyRun(crypto, SPACE_HASH, wire)) === 'string') continue;
      for (let first = run.first; first <= lastSequence(run); first++) {
        await expectVerifies(await sliceRun(crypto, run, first, lastSequence(run)), `from ${first}`);
      }
    }
    const fine = await createTestWriter('b').writeRun({ clock: latest }, { clock: 0 }, { clock: latest });
    expect(decodeRun(fine.bytes)).toEqual(fine.run);
  });
});
