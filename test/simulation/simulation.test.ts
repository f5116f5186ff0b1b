import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { KNOWN_SEEDS } from './known-seeds.ts';
import { makePlan } from './plan/make-plan.ts';
import type { Fault, Plan } from './plan/plan.ts';
import type { RunReport } from './runner/job.ts';
import { failureOf, partingOf } from './runner/judge.ts';
import { createPool } from './runner/pool.ts';

/*
 * A few runs where every test runs; the dose that counts is `npm run simulate -- --ci`, a part of `npm test`. Through the
 * runner, as it is used: a simulated world replaces the globals of its OS process, and this one is the test runner's.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const LOADER = './test/simulation/loader/workbox-in-node.ts';

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

function simulate(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', LOADER, 'test/simulation/runner/run.ts', ...args], {
      cwd: root,
    });
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (text += piece.toString()));
    child.on('close', (code) => resolve({ code, text }));
  });
}

test('SYNC7 VIEW2 VIEW3 LOG13 simulator: a few seeds break no invariant and go the same way twice', async () => {
  const { code, text } = await simulate('--from', '6', '--seeds', '2', '--as-is');
  expect(text).toMatch(/\n2 passed, 0 failed\n$/);
  expect(text).toMatch(/run twice in one process: 2, in another process too: 1/);
  expect(code).toBe(0);
});

test('HOUSE simulator: a plan that fails ends in exit code 1, with the rule, and the one fault of it that matters', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wakelog-plan-'));
  try {
    const file = join(folder, 'plan.json');
    const calm: Plan = { ...makePlan(6), faults: [] };
    const noFault = { atMs: 900, kind: 'earthquake', browser: 0 } as unknown as Fault;
    const stops = [100, 500, 1_000].map((atMs): Fault => ({ atMs, kind: 'stop-worker', browser: 0 }));
    writeFileSync(file, JSON.stringify({ ...calm, faults: [...stops.slice(0, 2), noFault, ...stops.slice(2)] }));
    const { code, text } = await simulate('--plan', file, '--twice', 'sample');
    expect(text).toMatch(
      /FAILED a plan of seed 6: crash after 900 virtual ms: .*earthquake is no fault of a machine's/,
    );
    expect(text).toMatch(/shrunken plan .*\(1 of 4 faults\)/);
    expect(text).toMatch(/\n0 passed, 1 failed\n$/);
    expect(code).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('HOUSE simulator: a run that never ends is killed and reported, and the next one runs', async () => {
  const pool = createPool(1, 2_000);
  const endless: Plan = { ...makePlan(6), faults: [] };
  try {
    const hung = await pool.run({ plan: { ...endless, scale: { ...endless.scale, actionMs: 0 } }, times: 1, lines: 0 });
    expect(failureOf(hung)?.rule).toBe('HANG');
    const broken = { ...endless, faults: [{ atMs: 0, kind: 'earthquake', browser: 0 } as unknown as Fault] };
    expect(failureOf(await pool.run({ plan: broken, times: 2, lines: 0 }))?.rule).toBe('crash');
  } finally {
    pool.close();
  }
});

test('HOUSE simulator: two runs that differ are a failure, whatever else they are', () => {
  const writes = { asked: 1, acknowledged: 1, goneWithADisk: 0 };
  const run: RunReport = { failure: undefined, steps: 1, events: 1, ranMs: 1, traceHash: 'a', traceLines: [], writes };
  expect(failureOf({ kind: 'ran', cpuMs: 1, runs: [run, run] })).toBeUndefined();
  expect(failureOf({ kind: 'ran', cpuMs: 1, runs: [run, { ...run, traceHash: 'b' }] })?.rule).toBe('DETERMINISM');
  const broken = { ...run, failure: { rule: 'LOG13', text: 'gap', at: 1 } };
  expect(failureOf({ kind: 'ran', cpuMs: 1, runs: [broken, broken] })?.rule).toBe('LOG13');
});

test('HOUSE simulator: where runs part, the line is shown, also when one of them only ends sooner', () => {
  expect(
    partingOf([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'x', 'c'],
    ]),
  ).toBe('  they part at line 2:\n    a\n  - b\n  + x');
  expect(partingOf([['a', 'b'], ['a']])).toContain('line 2:\n    a\n  - b\n  + (the end)');
  expect(partingOf([['a'], ['a', 'b']])).toContain('- (the end)\n  + b');
  expect(partingOf([['a'], ['a']])).toBeUndefined();
});

test('HOUSE simulator: seeds that once failed are named with a rule and a sentence, none of them twice', () => {
  const names = KNOWN_SEEDS.map((known) => JSON.stringify('plan' in known ? known.plan : known.seed));
  expect(new Set(names).size).toBe(names.length);
  for (const { rule, was } of KNOWN_SEEDS) {
    expect(rule).toMatch(/^[A-Z]+\d+|^S\d\.\d+$/);
    expect(was.length).toBeGreaterThan(20);
  }
});
