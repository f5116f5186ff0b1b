// node_modules as package-lock.json wants it, and nothing done when it already is.
import { existsSync, readFileSync } from 'node:fs';
import { root, run, say, SetupError } from './tools.mjs';

/** @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, peer?: boolean }> }} Lock */

/**
 * Whether the tree that npm wrote down in node_modules is the one of the lock file. Packages for other platforms may
 * be missing, and so may npm's own record (then nothing is known).
 *
 * @param {Lock} lock package-lock.json
 * @param {Lock | null} installed node_modules/.package-lock.json
 */
export function isInstalled(lock, installed) {
  if (installed === null) return false;
  const present = installed.packages ?? {};
  return Object.entries(lock.packages ?? {}).every(([path, wanted]) => {
    if (path === '') return true;
    const found = present[path];
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
}

/**
 * @param {string} path
 * @returns {Lock | null}
 */
function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

/** Installs what is missing or stale; says so before. Throws {@link SetupError} when that cannot be done. */
export async function ensureDependencies() {
  const lock = readLock(`${root}package-lock.json`);
  if (lock === null) throw new SetupError('package-lock.json is missing: this is not a whole clone');
  const newNode = `${root}node_modules/.bin/node`;
  if (isInstalled(lock, readLock(`${root}node_modules/.package-lock.json`)) && existsSync(newNode)) return;
  say('installing the dependencies (npm ci) …');
  // Development dependencies also where NODE_ENV says production: this runs the project, it does not deploy it.
  const code = await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) throw new SetupError('`npm ci` failed: the npm registry has to be reachable for the first run');
  if ((await run('node', ['--eval', 'process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)'])) !== 0) {
    throw new SetupError(
      'the dev dependency `node` gave no Node 24: were install scripts turned off (ignore-scripts)?',
    );
  }
}
