// Builds dist/: the browser files by vite, the library (modules and types) by tsc. Plain JavaScript without dependencies
// of its own, so that test.mjs and start.mjs can import it before anything is installed.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, root, runMain, runTool } from './tools.mjs';

const BROWSER_FILES = ['wakelog', 'sw', 'sw-ed25519'];
// Each environment is compiled with its own libs; core comes out of each of them, the same every time.
const LIBRARY_ENVIRONMENTS = ['client', 'sw', 'server'];
const SOURCES = [
  'core',
  ...LIBRARY_ENVIRONMENTS,
  'package-lock.json',
  'tsconfig.json',
  'vite.config.ts',
  'scripts/build.mjs',
];
const STAMP = `${cache}built`;

/** Makes dist/ anew. Throws an explained error when a step fails. */
export async function build() {
  rmSync(STAMP, { force: true });
  const startedAt = new Date();
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  for (const file of BROWSER_FILES) await runTool('vite', ['build', '--mode', file]);
  for (const environment of LIBRARY_ENVIRONMENTS) {
    const emit = ['--noEmit', 'false', '--incremental', 'false', '--tsBuildInfoFile', 'null', '--outDir', 'dist/lib'];
    await runTool('tsc', ['-p', environment, ...emit]);
  }
  mkdirSync(cache, { recursive: true });
  writeFileSync(STAMP, '');
  // A source saved while the build ran may have missed it: the stamp's time is the build's beginning.
  utimesSync(STAMP, startedAt, startedAt);
}

/** Whether dist/ is whole and no source has changed since its build began. */
export function isBuilt() {
  if (!existsSync(STAMP) || !existsSync(join(root, 'dist/sw.js'))) return false;
  const builtAt = statSync(STAMP).mtimeMs;
  return SOURCES.every((source) => newestChange(join(root, source)) < builtAt);
}

/**
 * Time of the newest change at or below a path, in ms; of nothing, 0.
 *
 * @param {string} path
 * @returns {number}
 */
function newestChange(path) {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  // A folder's own time counts too: it tells of files that were removed.
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), stats.mtimeMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(build);
