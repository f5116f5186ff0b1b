// What the set-up scripts share. Plain JavaScript on Node ≥ 20 without dependencies: it runs before `npm ci` has.
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository, with a trailing separator. */
export const root = fileURLToPath(new URL('../', import.meta.url));

/** Folder for what can be made again; it goes away with node_modules. */
export const cache = `${root}node_modules/.cache/`;

const bin = `${root}node_modules/.bin`;

/** @param {string} text */
export function say(text) {
  console.log(`wakelog: ${text}`);
}

/** An exit that is explained: its message is all the user needs, so no stack is printed. */
export class SetupError extends Error {}

/**
 * Runs a command with its output shown and resolves to its exit code; 127 when there is no such command.
 * node_modules/.bin comes first on the PATH: the dev dependency `node` lies there, newer than the Node that may have
 * started this script.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string> }} [options]
 * @returns {Promise<number>}
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
    // The child gets Ctrl-C from the terminal itself; this process waits for it to clean up, and then starts no next step.
    let interrupted = false;
    const noteInterrupt = () => {
      interrupted = true;
    };
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', noteInterrupt);
    process.on('SIGTERM', forward);
    const stopListening = () => {
      process.off('SIGINT', noteInterrupt);
      process.off('SIGTERM', forward);
    };
    child.on('error', (error) => {
      stopListening();
      if ('code' in error && error.code === 'ENOENT') resolve(127);
      else reject(error);
    });
    child.on('close', (code) => {
      stopListening();
      if (interrupted) process.exit(130);
      resolve(code ?? 1);
    });
  });
}

/**
 * Like {@link run}, for a step that later ones cannot do without.
 *
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function runTool(command, args) {
  const code = await run(command, args);
  if (code !== 0) throw new SetupError(`\`${[command, ...args].join(' ')}\` ended with code ${code}`);
}

/**
 * Runs a script's main function and takes its result for the exit code; of an explained failure only the sentence is
 * printed.
 *
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`wakelog: ${error.message}`);
    process.exitCode = 1;
  }
}
