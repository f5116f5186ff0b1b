import { expect, test } from 'vitest';
import type { Run } from '../../../core/log/run.ts';
import { createLogStore } from '../../../core/log/create-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowReader, RowStore } from '../../../core/log/row-store.ts';
import { logName } from '../../../core/log/version-vector.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createTestWriter } from './test-writer.ts';

test('LOG21 CAP7 a long log is looked through for gaps without being in memory at once', async () => {
  const rows = createMemoryRowStore();
  let most = 0;
  const noting = (tx: RowReader): RowReader => ({
    ...tx,
    async runs(...args) {
      const found = await tx.runs(...args);
      most = Math.max(most, found.reduce((bytes, row) => bytes + row.bytes.length, 0));
      return found;
    },
  });
  const read: RowStore['read'] = (body) => rows.read((tx) => body(noting(tx)));
  const store = createLogStore({ ...rows, read }, createNodeCrypto());
  const writer = createTestWriter('ann');
  const text = JSON.stringify({ writes: [['put', 'a', 'x'.repeat(500_000), []]] });
  let run: Run | undefined;
  for (let i = 0; i < 24; i++) {
    const runs = await writer.write({ text });
    await store.merge(runs);
    run = runs.at(-1)?.run;
  }
  expect(await store.wholeTo(logName(run?.log ?? new Uint8Array(32)), 0)).toBe(23);
  expect(most).toBeLessThan(5_000_000);
});
