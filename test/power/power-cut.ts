import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { freezeTree, killTree } from '../platform/parts/processes.ts';
import type { DiskEntry } from './disk-entries.ts';
import { entriesOf, keyOf, recordedEntries, recordOf, walk } from './disk-entries.ts';
import { tear } from './torn-file.ts';

/**
 * A folder on a disk whose power can be cut (S2.12). A program works in `folder` with `env` in its environment; `cut` stops
 * it in one moment and leaves in `folder` what a disk would hold then: bytes that were synced, and of the others nothing,
 * or some. What the program said before that moment, for it was stopped whole, is what it has to keep.
 *
 *     const disk = await createPowerCutDisk({ folder: scratch.folder('disk') });
 *     const server = await startServerProcess({ command: [..., disk.folder], env: disk.env });
 *     … acknowledgements …
 *     await disk.cut(server.pid);  // the process is gone
 *     const again = await startServerProcess({ command: [..., disk.folder], env: disk.env });
 *
 * A SIGKILL without a cut loses nothing of the folder, and it may be started in again at once.
 */
export interface PowerCutDisk {
  /** Empty at first; canonical path, which stays the same. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Stops the process and its descendants, makes `folder` what is durable, kills them; returns when they are gone. */
  readonly cut: (pid: number, how?: CutOptions) => Promise<void>;
}

export interface CutOptions {
  /**
   * What is true of names (creations, renames, deletions) that no fsync has made durable: `synced` all are lost, `newest`
   * all have reached the disk. Both are legal. Default: `synced`.
   */
  readonly names?: 'synced' | 'newest';
  /**
   * What is true of bytes that were not synced: `lost`, or `torn`: any part of them has reached the disk, in any order
   * (by `random`). Default: `lost`.
   */
  readonly bytes?: 'lost' | 'torn';
  /** From 0 up to 1. */
  readonly random?: () => number;
}

export interface PowerCutOptions {
  /** An empty folder that the disk and its records may fill; its owner removes it. */
  readonly folder: string;
  /** `lying`: every fsync succeeds, and nothing written since the disk was made or last cut is durable: the control. */
  readonly disk?: 'honest' | 'lying';
  /**
   * `journal`: an fsync of a file makes its name durable, as ext4, XFS and btrfs do; `posix`: only an fsync of its folder.
   * Default: `journal`.
   */
  readonly names?: 'journal' | 'posix';
}

export async function createPowerCutDisk(options: PowerCutOptions): Promise<PowerCutDisk> {
  const base = realpathSync(options.folder);
  const parts = { folder: join(base, 'disk'), shadow: join(base, 'shadow'), next: join(base, 'next') };
  const shim = await buildShim();
  mkdirSync(parts.folder, { recursive: true });
  markDurable(parts);
  const preload = process.env['LD_PRELOAD'];
  return {
    folder: parts.folder,
    env: {
      LD_PRELOAD: preload === undefined || preload === '' ? shim : `${shim}:${preload}`,
      POWER_CUT_ROOT: parts.folder,
      POWER_CUT_SHADOW: parts.shadow,
      POWER_CUT_DISK: options.disk ?? 'honest',
      POWER_CUT_NAMES: options.names ?? 'journal',
      // The shim sees libc's calls only.
      UV_USE_IO_URING: '0',
    },
    async cut(pid, how = {}) {
      await freezeTree(pid);
      try {
        throwComplaints(parts.shadow);
        compose(parts, how);
      } finally {
        await killTree(pid);
      }
      rmSync(parts.folder, { recursive: true, force: true });
      renameSync(parts.next, parts.folder);
      markDurable(parts);
    },
  };
}

interface DiskParts {
  /** Where the program works. */
  readonly folder: string;
  /** What the shim writes down. */
  readonly shadow: string;
  /** Where the folder after the cut is made. */
  readonly next: string;
}

/** Everything in the folder counts as durable: it is what the machine found when it was switched on. */
function markDurable({ folder, shadow }: DiskParts): void {
  rmSync(shadow, { recursive: true, force: true });
  for (const part of ['data', 'names']) mkdirSync(join(shadow, part), { recursive: true });
  const mark = (path: string): void => {
    const entries = entriesOf(path);
    writeFileSync(join(shadow, 'names', keyOf(path)), recordOf(entries));
    for (const { type, key, name } of entries) {
      if (type === 'd') mark(join(path, name));
      else if (type === 'f') copy(join(path, name), join(shadow, 'data', key));
    }
  };
  mark(folder);
}

function throwComplaints(shadow: string): void {
  const path = join(shadow, 'complaints');
  if (existsSync(path)) throw new Error(`the power-cut disk cannot judge this program:\n${readFileSync(path, 'utf8')}`);
}

function compose({ folder, shadow, next }: DiskParts, how: CutOptions): void {
  const { names = 'synced', bytes = 'lost', random = Math.random } = how;
  const liveByKey = new Map(walk(folder).map(({ entry, path }) => [entry.key, path]));
  const durableOf = (key: string): string | undefined => {
    const path = join(shadow, 'data', key);
    return existsSync(path) ? path : undefined;
  };
  const make = (key: string, live: string | undefined, to: string): void => {
    mkdirSync(to, { mode: 0o700 });
    const entries = names === 'newest' ? (live === undefined ? [] : entriesOf(live)) : recordedEntries(shadow, key);
    for (const entry of entries) makeEntry(entry, join(to, entry.name));
  };
  const makeEntry = ({ type, key, target }: DiskEntry, to: string): void => {
    const live = liveByKey.get(key);
    if (type === 'd') make(key, live, to);
    else if (type === 'l') symlinkSync(target, to);
    else if (bytes === 'torn' && live !== undefined) tear({ durable: durableOf(key), live, to, random });
    else copyOrEmpty(durableOf(key), to);
  };
  rmSync(next, { recursive: true, force: true });
  make(keyOf(folder), folder, next);
}

/** A file whose bytes were never synced has a name and no bytes. */
function copyOrEmpty(from: string | undefined, to: string): void {
  if (from === undefined) writeFileSync(to, '', { mode: 0o600 });
  else copy(from, to);
}

function copy(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
}

const SOURCE = fileURLToPath(new URL('power-cut-shim.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/power/', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'] as const;
const MAKE_LIBRARY = ['-shared', '-fPIC', '-O2'] as const;

/** The path of the compiled shim: compiled once for each version of its source, into a cache that goes with node_modules. */
async function buildShim(): Promise<string> {
  if (process.platform !== 'linux') throw new Error('power cuts are simulated on Linux only: by LD_PRELOAD');
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const library = join(CACHE, `shim-${version}.so`);
  if (existsSync(library)) return library;
  mkdirSync(CACHE, { recursive: true });
  // Other test processes may be compiling it as well.
  const unfinished = `${library}.${randomUUID()}`;
  await compileShim(unfinished);
  renameSync(unfinished, library);
  return library;
}

async function compileShim(to: string): Promise<void> {
  const named = process.env['CC'];
  for (const compiler of named === undefined || named === '' ? COMPILERS : [named]) {
    try {
      await promisify(execFile)(compiler, [...MAKE_LIBRARY, '-o', to, SOURCE, '-ldl']);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('power cuts need a C compiler: install one (Debian: apt-get install gcc libc6-dev) or name it in CC');
}
