// Builds dist/: the three browser files by vite, the library (types and modules) by tsc. Plain JavaScript without
// dependencies of its own, so that scripts/test.mjs and scripts/start.mjs can run it on any supported Node.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { root, runMain, runTool } from './tools.mjs';

const BROWSER_FILES = ['wakelog', 'sw', 'sw-ed25519'];
// Each environment is compiled with its own libs; core comes out of each of them, the same every time.
const LIBRARY_ENVIRONMENTS = ['client', 'sw', 'server'];

export async function build() {
  rmSync(`${root}dist`, { recursive: true, force: true });
  for (const file of BROWSER_FILES) await runTool('vite', ['build', '--mode', file]);
  for (const environment of LIBRARY_ENVIRONMENTS) {
    const emit = ['--noEmit', 'false', '--incremental', 'false', '--tsBuildInfoFile', 'null', '--outDir', 'dist/lib'];
    await runTool('tsc', ['-p', environment, ...emit]);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(build);
