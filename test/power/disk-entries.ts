import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A name in a folder of the power-cut disk, as the shim writes it down. */
export interface DiskEntry {
  /** File, directory, link. */
  readonly type: 'f' | 'd' | 'l';
  /** Inode and time of birth: the file itself, whatever it is called. */
  readonly key: string;
  readonly name: string;
  /** Of a link; else empty. */
  readonly target: string;
}

export function keyOf(path: string): string {
  const { ino, birthtimeNs } = lstatSync(path, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}

/** What is in a folder now; sockets and the like are no part of a disk. */
export function entriesOf(folder: string): DiskEntry[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((found): DiskEntry[] => {
    const path = join(folder, found.name);
    const type = found.isFile() ? 'f' : found.isDirectory() ? 'd' : found.isSymbolicLink() ? 'l' : undefined;
    if (type === undefined) return [];
    return [{ type, key: keyOf(path), name: found.name, target: type === 'l' ? readlinkSync(path) : '' }];
  });
}

/** Everything below a folder. */
export function walk(folder: string): { readonly entry: DiskEntry; readonly path: string }[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    return [{ entry, path }, ...(entry.type === 'd' ? walk(path) : [])];
  });
}

export function recordOf(entries: readonly DiskEntry[]): string {
  return entries.map(({ type, key, name, target }) => `${type}${key} ${name}\0${target}\0`).join('');
}

/** A folder's durable entries; none when no fsync ever reached it. */
export function recordedEntries(shadow: string, folderKey: string): DiskEntry[] {
  const fields = readIfAny(join(shadow, 'names', folderKey)).split('\0');
  const entries: DiskEntry[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [head = '', target = ''] = fields.slice(at, at + 2);
    const space = head.indexOf(' ');
    const type = head.slice(0, 1);
    if (type !== 'f' && type !== 'd' && type !== 'l') throw new Error(`no entry of a folder: ${head}`);
    entries.push({ type, key: head.slice(1, space), name: head.slice(space + 1), target });
  }
  return entries;
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
