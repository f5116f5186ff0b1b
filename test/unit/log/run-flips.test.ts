import { expect, test } from 'vitest';
import { verifyRun } from '../../../core/log/run-verify.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import type { DraftLike } from './test-writer.ts';
import { createTestWriter, SPACE_HASH } from './test-writer.ts';

const crypto = createNodeCrypto();

function small(count: number): DraftLike[] {
  return Array.from({ length: count }, (_, i) => ({ text: i % 2 === 0 ? '1' : '' }));
}

const SHAPES: Record<string, readonly DraftLike[]> = {
  'one entry': [{ text: '{"writes":[["put","key",{"n":1},[]]]}', kind: 1 }],
  'three entries': [...small(1), { parts: [new Uint8Array(3), new Uint8Array(0)] }, { kind: 16, text: 'enrol' }],
  '256 entries': small(256),
};

// 43,000 runs of 256 entries are verified here, half a minute of hashing: only all bits prove that none is free.
test.each(Object.entries(SHAPES))(
  'LOG8 S1.8 every bit of every byte of a run of %s counts',
  { timeout: 300_000 },
  async (_, drafts) => {
    const { bytes } = await createTestWriter().writeRun(...drafts);
    expect(typeof (await verifyRun(crypto, SPACE_HASH, bytes))).toBe('object');
    const accepted: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        if (typeof (await verifyRun(crypto, SPACE_HASH, flipped)) !== 'string')
          accepted.push(`bit ${bit} of byte ${at}`);
      }
    }
    expect(accepted).toEqual([]);
  },
);
