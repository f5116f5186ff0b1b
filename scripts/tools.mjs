// What the set-up scripts share. Plain JavaScript on Node ≥ 20 without dependencies: it runs before `npm ci` has.
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository, with a trailing separator. */
export const root = fileURLToPath(new URL('../', import.meta.url));

const bin = `${root}node_modules/.bin`;

export function say(text) {
  console.log(`wakelog: ${text}`);
}

/** An exit that is explained: its message is all the user needs, so no stack is printed. */
export class SetupError extends Error {}

/**
 * Runs a command with its output shown and resolves to its exit code. node_modules/.bin comes first on the PATH:
 * the dev dependency `node` lies there, newer than the Node that may have started this script.
 */
export function run(command, args, { env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const path = `${bin}${delimiter}${process.env.PATH ?? ''}`;
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env, PATH: path },
      shell: process.platform === 'win32',
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/** Like {@link run}, for steps that later ones cannot do without. */
export async function runTool(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new SetupError(`\`${[command, ...args].join(' ')}\` ended with code ${code}`);
}

/** Runs a script's main function; an explained failure prints its sentence only. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`wakelog: ${error.message}`);
    process.exitCode = 1;
  }
}
