import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { explainMissing, findExecutable, NEEDS } from '../../scripts/browsers.mjs';
import { isInstalled } from '../../scripts/dependencies.mjs';

const lock = {
  packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } },
};

test('HOUSE node_modules is installed again when a package is missing or another version, not for an optional one', () => {
  const a = { 'node_modules/a': { version: '1.0.0' } };
  expect(isInstalled(lock, null)).toBe(false);
  expect(isInstalled(lock, { packages: a })).toBe(true);
  expect(isInstalled(lock, { packages: {} })).toBe(false);
  expect(isInstalled(lock, { packages: { 'node_modules/a': { version: '1.0.1' } } })).toBe(false);
  expect(isInstalled(lock, { packages: { ...a, 'node_modules/b': { version: '1.9.0' } } })).toBe(false);
});

test('HOUSE a variable that names a browser decides alone, else the first usual place that exists', () => {
  for (const need of NEEDS) {
    const last = need.places.at(-1)!;
    expect(findExecutable(need, {}, (path) => path === last)).toBe(last);
    expect(findExecutable(need, {}, () => true)).toBe(need.places[0]);
    expect(findExecutable(need, { [need.variable]: '/opt/mine' }, (path) => path !== '/opt/mine')).toBeNull();
    expect(explainMissing(need, '/opt/mine')).toContain('/opt/mine');
    expect(explainMissing(need, undefined)).toContain(need.debianPackage);
  }
});

test('HOUSE the command line says which Node it needs before it imports what an older one lacks', () => {
  // An old Node is the one thing this machine cannot be asked to have: the door is told that it runs on one.
  const folder = mkdtempSync(join(tmpdir(), 'wakelog-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const oldNode = join(folder, 'old-node.cjs');
  writeFileSync(oldNode, `Object.defineProperty(process.versions, 'node', { value: '22.12.0' });`);
  const door = fileURLToPath(new URL('../../bin/wakelog.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, ['--require', oldNode, door, '--help'], { encoding: 'utf8' });
  expect(stderr).toContain('wakelog needs Node 22.13 or newer');
  expect(status).toBe(1);
});
