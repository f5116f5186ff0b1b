import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

import { createScratch } from '../platform/parts/scratch.ts';
import { createRandom } from '../support/random.ts';
import { tear } from './torn-file.ts';

const scratch = createScratch();
afterEach(() => scratch.end());

test('LOG18 a file that was made shorter and not synced is torn as well: old bytes, or new ones, or fewer', () => {
  const folder = scratch.folder('torn');
  const [durable, live, to] = ['durable', 'live', 'to'].map((name) => join(folder, name)) as [string, string, string];
  const before = 'o'.repeat(100_000);
  writeFileSync(durable, before);
  const random = createRandom(1);
  for (const length of [0, 1, 512, 70_000]) {
    writeFileSync(live, 'n'.repeat(length));
    for (let time = 0; time < 50; time++) {
      tear({ durable, live, to, random });
      const torn = readFileSync(to, 'utf8');
      expect([length, before.length]).toContain(torn.length);
      expect(torn.slice(length)).toBe(before.slice(length, torn.length));
    }
  }
});
