import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { createScratch } from '../../platform/parts/scratch.ts';
import { lackingChanges, levelDbFolders, nextLog, readRecords, tearEnds } from './leveldb-log.ts';

const scratch = createScratch();
afterEach(() => scratch.end());

const BLOCK_BYTES = 32_768;

/** A log as LevelDB writes it; nobody looks at the checksums. */
function logOf(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    let [from, isFirst] = [0, true];
    do {
      const left = BLOCK_BYTES - (at % BLOCK_BYTES);
      if (left < 7) add(Buffer.alloc(left));
      const room = BLOCK_BYTES - (at % BLOCK_BYTES) - 7;
      const piece = record.subarray(from, from + room);
      from += piece.length;
      const isLast = from === record.length;
      const header = Buffer.alloc(7);
      header.writeUInt16LE(piece.length, 4);
      header.writeUInt8(isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3, 6);
      add(Buffer.concat([header, piece]));
      isFirst = false;
    } while (from < record.length);
  }
  return Buffer.concat(parts);
}

/** A write of some changes; `bytes` is what they take. */
function write(first: number, count: number, bytes = 100): Buffer {
  const record = Buffer.alloc(12 + bytes, 1);
  record.writeBigUInt64LE(BigInt(first), 0);
  record.writeUInt32LE(count, 8);
  return record;
}

/** A database of which logs from `oldest` on count. */
function database(oldest: number, logs: Readonly<Record<string, readonly Buffer[]>>): string {
  const folder = join(scratch.folder('leveldb'), 'Default', 'IndexedDB', 'a.indexeddb.leveldb');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'CURRENT'), 'MANIFEST-000001\n');
  const comparer = Buffer.from([1, 4, ...Buffer.from('idb1'), 2, 3, 3, 200, 1, 4, 17]);
  const table = Buffer.from([2, oldest, 9, 0, 5, 1, 2, 97, 98, 6, 0, 8, 7, 0, 5, 200, 1, 1, 97, 1, 98]);
  writeFileSync(join(folder, 'MANIFEST-000001'), logOf([comparer, table, Buffer.from([4, 20])]));
  for (const [name, records] of Object.entries(logs)) writeFileSync(join(folder, name), logOf(records));
  return folder;
}

describe('the logs of LevelDB', () => {
  test('S2.12: records of any length are read back, up to one that is not whole', () => {
    const records = [1, 32_749, 5, 100_000, 32_768 * 3].map((length, i) => Buffer.alloc(length, i + 1));
    const log = logOf(records);
    expect([...readRecords(log)]).toEqual(records);
    expect([...readRecords(log.subarray(0, log.length - 1))]).toEqual(records.slice(0, -1));
  });

  test('S2.12: changes that lack between two logs are named, and only there', () => {
    const old = [write(1, 4), write(5, 2, 50_000)];
    expect(lackingChanges(database(3, { '000003.log': old }))).toBeUndefined();
    expect(
      lackingChanges(database(3, { '000003.log': old, '000005.log': [write(7, 3), write(10, 1)] })),
    ).toBeUndefined();
    expect(lackingChanges(database(3, { '000003.log': old, '000005.log': [write(9, 3)] }))).toBe(
      'changes 7 to 8, between 000003.log and 000005.log',
    );
    expect(lackingChanges(database(3, { '000003.log': [...old, write(8, 1)] }))).toContain('changes 7 to 7');
    // What is in tables by now was synced with them.
    expect(lackingChanges(database(5, { '000003.log': old, '000005.log': [write(9, 3)] }))).toBeUndefined();
    expect(lackingChanges(database(3, { '000003.log': old, '000005.log': [] }))).toBeUndefined();
  });

  test.each([1_000, 32_768 - 7 - 12 - 3])('LOG22: an end that is torn leaves what is before it (%i bytes)', (bytes) => {
    const records = [write(1, 4), write(5, 1, bytes)];
    const folder = database(3, { '000001.log': [], '000003.log': records });
    tearEnds(join(folder, '..', '..', '..'));
    expect([...readRecords(readFileSync(join(folder, '000003.log')))]).toEqual(records);
    expect(readFileSync(join(folder, '000003.log')).length).toBeGreaterThan(logOf(records).length);
    expect(readFileSync(join(folder, '000001.log'))).toHaveLength(0);
  });

  test('S2.12: a new log is told of when it begins', async () => {
    const folder = database(3, { '000003.log': [] });
    expect(levelDbFolders(join(folder, '..', '..', '..'))).toEqual([folder]);
    const next = nextLog(folder);
    writeFileSync(join(folder, '000003.log'), 'more');
    writeFileSync(join(folder, '000004.ldb'), '');
    writeFileSync(join(folder, '000005.log'), '');
    await next;
  });
});
