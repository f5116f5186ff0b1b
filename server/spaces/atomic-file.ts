import { open, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { createTurns } from '../../core/engine/turns.ts';
import type { Files } from './files.ts';

/** The files of this machine. */
export const nodeFiles: Files = { readIfAny: readFileIfAny, writeAtomically: writeFileAtomically };

/** Replaces a small text file whole: after a power cut there is the old text or the new one. Mode 0600. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await inTurn(() => makeFolder(folder));
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** One at a time: who finds a folder made must not go on before it is durable. */
const inTurn = createTurns();

/** A folder is durable when the one that names it is synced, and so on up to the first that was there before. */
async function makeFolder(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (firstMade === undefined) return;
  const above = dirname(resolve(firstMade));
  for (let named = resolve(folder); named !== above && named !== dirname(named); named = dirname(named)) {
    await syncFolder(dirname(named));
  }
}

/** The text of a file, or undefined when there is none. */
export async function readFileIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A rename is durable when its folder is; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
