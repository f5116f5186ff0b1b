import { decodeStored, rowOf } from './append-rules.ts';
import { isEqual } from './bytes.ts';
import type { Content, Part } from './content.ts';
import { eraseContent } from './content.ts';
import type { Crypto } from './crypto.ts';
import type { RowStore, RowWriter } from './row-store.ts';
import type { Run, RunEntry } from './run.ts';
import { encodeRun } from './run-codec.ts';
import type { LogName } from './version-vector.ts';

/** Forgets an entry's body, or one part of it. False when there is nothing to forget. */
export async function eraseBody(
  rows: RowStore,
  hasher: Crypto,
  log: LogName,
  sequence: number,
  part?: number,
): Promise<boolean> {
  for (;;) {
    const before = await rows.read((tx) => rowOf(tx, log, sequence));
    const held = before === undefined ? undefined : entryAt(decodeStored(before), sequence);
    const erased = held === undefined ? undefined : await eraseContent(hasher, held.content, held.flags, part);
    if (held === undefined || erased === undefined) return false;
    const done = await rows.write('strict', (tx) => replaceContent(tx, log, sequence, held.content, erased));
    // Somebody else erased or brought a part of it meanwhile: look again.
    if (done) return true;
  }
}

/** Puts new content in an entry's row, unless its content is no longer what `expected` was. */
async function replaceContent(
  rows: RowWriter,
  log: LogName,
  sequence: number,
  expected: Content,
  content: Content,
): Promise<boolean> {
  // Read again: the row may have been merged meanwhile.
  const row = await rowOf(rows, log, sequence);
  const run = row && decodeStored(row);
  const held = run && entryAt(run, sequence);
  if (row === undefined || run === undefined || held === undefined || !isSame(held.content, expected)) return false;
  const entries = run.entries.map((entry) => (entry === held ? { ...entry, content } : entry));
  await rows.putRun({ ...row, bytes: encodeRun({ ...run, entries }) });
  return true;
}

/** Whether an entry's content is still what it was. */
function isSame(a: Content, b: Content): boolean {
  if (a.form !== 'body') return b.form === a.form && isEqual(a.bodyHash, b.bodyHash);
  return b.form === 'body' && a.parts.every((part, i) => isSamePart(part, b.parts[i]));
}

function isSamePart(a: Part, b: Part | undefined): boolean {
  if (b === undefined) return false;
  if ('hash' in a) return 'hash' in b && isEqual(a.hash, b.hash);
  return 'salt' in b && isEqual(a.salt, b.salt) && isEqual(a.bytes, b.bytes);
}

function entryAt(run: Run, sequence: number): RunEntry | undefined {
  return run.entries[sequence - run.first];
}
