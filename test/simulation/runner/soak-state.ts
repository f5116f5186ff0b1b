import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tally } from './tally.ts';

/** What is known of a long run that was stopped: which seeds were run, and what they came to. */
export interface SoakState {
  readonly tally: Tally;
  /** First and last seed of each range that was run. */
  readonly done: readonly (readonly [number, number])[];
  readonly failed: readonly string[];
}

const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/simulate/', import.meta.url));

/** `name`: of the kind of run. */
export function readSoakState(name: string, folder: string = FOLDER): SoakState | undefined {
  try {
    return JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as SoakState;
  } catch {
    return undefined;
  }
}

/** Whole or not at all, whenever the process is killed. */
export function writeSoakState(name: string, state: SoakState, folder: string = FOLDER): void {
  const file = `${folder}${name}.json`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}
