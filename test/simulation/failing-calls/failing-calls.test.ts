import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/*
 * A few calls of each scenario; `npm run failing-calls` takes every one. In a process of its own: a simulated world replaces
 * the globals of its process.
 */

const root = fileURLToPath(new URL('../../../', import.meta.url));

function run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', './test/simulation/loader/workbox-in-node.ts', 'test/simulation/failing-calls/run.ts', ...args], { cwd: root });
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (text += piece.toString()));
    child.on('close', (code) => resolve({ code, text }));
  });
}

test('LOG18 S1.1 whichever call of a disk fails, all is level and whole afterwards', async () => {
  const { code, text } = await run('--all', '0', '--sample', '3', '--turns');
  expect(text).toMatch(/ runs, 0 failures\n/);
  // Every group of call sites that the scenarios meet, of storage in the worker.
  expect(Number(/groups of call sites that failed \((\d+)\)/.exec(text)?.[1])).toBeGreaterThan(40);
  expect(text).toContain('groups that were met and never failed (0)');
  expect(code).toBe(0);
});
