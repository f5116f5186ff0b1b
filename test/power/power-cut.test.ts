import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { createScratch } from '../platform/parts/scratch.ts';
import { startServerProcess } from '../platform/server-process.ts';
import { createRandom } from '../support/random.ts';
import type { CutOptions, PowerCutDisk, PowerCutOptions } from './power-cut.ts';
import { createPowerCutDisk } from './power-cut.ts';

const scratch = createScratch();
afterEach(() => scratch.end());

async function disk(options: Omit<PowerCutOptions, 'folder'> = {}): Promise<PowerCutDisk> {
  return createPowerCutDisk({ ...options, folder: scratch.folder('disk') });
}

/** Runs a program until it is done and waits; then the power is cut. */
async function runAndCut({ folder, env, cut }: PowerCutDisk, program: string, how?: CutOptions): Promise<void> {
  const source = `const fs = require('fs'); const sync = (path, flags = 'r') => { const fd = fs.openSync(path, flags); fs.fsyncSync(fd); fs.closeSync(fd); };
    ${program}; console.log('done'); setInterval(() => {}, 1000);`;
  const child = await startServerProcess({
    command: ['node', '-e', source],
    cwd: folder,
    env,
    ready: (line) => (line === 'done' ? 1 : null),
  });
  scratch.use(child, (it) => it.kill());
  await cut(child.pid, how);
}

function held({ folder }: PowerCutDisk): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

describe('LOG18 the disk whose power is cut', () => {
  test('LOG18 keeps what was synced, and nothing that was written later or never synced', async () => {
    const it = await disk();
    await runAndCut(
      it,
      `fs.writeFileSync('synced', 'one'); sync('synced'); fs.appendFileSync('synced', ', two');
       fs.writeFileSync('cut-short', 'long text'); sync('cut-short'); fs.truncateSync('cut-short', 2); sync('cut-short');
       fs.writeFileSync('data-only', 'x'); const fd = fs.openSync('data-only', 'a'); fs.fdatasyncSync(fd);
       fs.writeFileSync('never', 'gone')`,
    );
    expect(held(it)).toEqual({ synced: 'one', 'cut-short': 'lo', 'data-only': 'x' });
  });

  test('LOG18 takes up what it held before: files that are not touched again survive the next cut too', async () => {
    const it = await disk();
    await runAndCut(
      it,
      `fs.mkdirSync('in/deep', { recursive: true }); fs.writeFileSync('in/deep/a', 'A'); sync('in/deep/a')`,
    );
    await runAndCut(it, `fs.appendFileSync('in/deep/a', ' lost'); fs.writeFileSync('b', 'B'); sync('b')`);
    await runAndCut(it, `fs.appendFileSync('b', 'B'); sync('b')`);
    expect(held(it)).toEqual({ 'in/deep/a': 'A', b: 'BB' });
  });

  test('LOG18 copies of large files are exact, wherever they changed', async () => {
    const it = await disk();
    await runAndCut(
      it,
      `const size = 3_000_001; const bytes = Buffer.alloc(size, 'a'); fs.writeFileSync('large', bytes); const fd = fs.openSync('large', 'r+'); fs.fsyncSync(fd);
       for (const at of [0, 4095, 65536, 1_000_000, size - 1]) { fs.writeSync(fd, 'bb', at); } fs.fsyncSync(fd); fs.writeSync(fd, 'c', 100)`,
    );
    const expected = Buffer.alloc(3_000_002, 'a');
    for (const at of [0, 4095, 65536, 1_000_000, 3_000_000]) expected.write('bb', at);
    expect(readFileSync(join(it.folder, 'large')).equals(expected)).toBe(true);
  });

  test('LOG18 names that no sync made durable are taken back, or have arrived, as is wished', async () => {
    const program = `fs.writeFileSync('old', 'O'); sync('old'); fs.writeFileSync('doomed', 'D'); sync('doomed');
       fs.renameSync('old', 'new'); fs.unlinkSync('doomed'); fs.writeFileSync('fresh', 'unsynced')`;
    const [synced, newest] = [await disk(), await disk()];
    await runAndCut(synced, program);
    await runAndCut(newest, program, { names: 'newest' });
    expect(held(synced)).toEqual({ old: 'O', doomed: 'D' });
    expect(held(newest)).toEqual({ new: 'O', fresh: '' });
  });

  test('LOG18 a sync of the folder makes names durable; on a POSIX disk nothing else does', async () => {
    const [folder, file, posix] = [await disk(), await disk(), await disk({ names: 'posix' })];
    const replace = `fs.writeFileSync('a', '1'); sync('a'); sync('.'); fs.writeFileSync('a.new', '2'); sync('a.new'); fs.renameSync('a.new', 'a');`;
    await runAndCut(folder, `${replace} sync('.')`);
    await runAndCut(file, `${replace} fs.writeFileSync('b', 'B'); sync('b')`);
    await runAndCut(posix, `${replace} fs.writeFileSync('b', 'B'); sync('b')`);
    expect(held(folder)).toEqual({ a: '2' });
    expect(held(file)).toEqual({ a: '2', b: 'B' });
    expect(held(posix)).toEqual({ a: '1' });
  });

  test('LOG18 torn: of what was not synced any pieces are there, synced bytes always', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 16; seed++) {
      const it = await disk();
      await runAndCut(
        it,
        `fs.writeFileSync('f', 'a'.repeat(8192)); sync('f'); const fd = fs.openSync('f', 'r+'); fs.writeSync(fd, 'b'.repeat(16384), 4096)`,
        { bytes: 'torn', random: createRandom(seed) },
      );
      const text = held(it)['f'] ?? '';
      expect(text.slice(0, 4096)).toBe('a'.repeat(4096));
      expect(text.slice(4096, 8192)).toMatch(/^[ab]{4096}$/);
      expect(text.slice(8192)).toMatch(/^[\0b]*$/);
      outcomes.add(text);
    }
    expect(outcomes.size).toBeGreaterThan(4);
  });

  test('LOG18 the control: a lying disk says yes and keeps nothing', async () => {
    const it = await disk({ disk: 'lying' });
    await runAndCut(it, `fs.writeFileSync('synced', 'one'); sync('synced'); sync('.')`);
    expect(existsSync(it.folder)).toBe(true);
    expect(held(it)).toEqual({});
  });

  test('LOG18 what the disk cannot judge is an error, never a verdict', async () => {
    const it = await disk();
    const cutting = runAndCut(
      it,
      `fs.writeSync(fs.openSync('direct', fs.constants.O_CREAT | fs.constants.O_RDWR | fs.constants.O_DSYNC), 'x')`,
    );
    await expect(cutting).rejects.toThrow(/O_DSYNC.*direct/);
  });
});
