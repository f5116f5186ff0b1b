import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createRanges } from './ranges.ts';
import { readOptions } from './options.ts';
import { readSoakState, writeSoakState } from './soak-state.ts';
import { createTally } from './tally.ts';

const folder = `${mkdtempSync(join(tmpdir(), 'wakelog-soak-'))}/`;
afterAll(() => rmSync(folder, { recursive: true }));

test('HOUSE simulator: seeds that were run are known again after a restart, whichever were not', () => {
  const done = createRanges([]);
  for (const seed of [5, 1, 2, 4, 9, 3]) done.add(seed);
  writeSoakState('all', { tally: createTally(), done: done.ranges(), failed: ['seed 4: S2.11'] }, folder);
  const again = readSoakState('all', folder);
  expect(again?.failed).toEqual(['seed 4: S2.11']);
  expect(again?.done.toSorted(([a], [b]) => a - b)).toEqual([
    [1, 5],
    [9, 9],
  ]);
  const ranges = createRanges(again?.done ?? []);
  expect([0, 1, 5, 6, 8, 9, 10].filter(ranges.has)).toEqual([1, 5, 9]);
  expect(readSoakState('other', folder)).toBeUndefined();
});

test('HOUSE simulator: a command line that makes no sense is refused in words', () => {
  expect(readOptions(['--seeds', 'many'])).toBe('--seeds wants a number, not many');
  expect(readOptions(['--faults', 'evict,earthquake'])).toContain('earthquake is no kind of fault');
  expect(readOptions(['--twice', 'never'])).toContain('all or sample');
  expect(readOptions(['--speed', '9'])).toContain('--speed');
  expect(readOptions(['--faults', 'none', '--minutes', '3'])).toMatchObject({
    faults: [],
    minutes: 3,
    seeds: Infinity,
  });
});
