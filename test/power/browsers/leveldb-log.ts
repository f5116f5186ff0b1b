import { appendFileSync, existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';

/*
 * What Chromium's LevelDB left in its folder. Every write has a sequence number for each of its changes, and stands in a log
 * until its changes are in a table.
 */

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
/** Of a record that is whole, and of one that is the last part of a longer one. */
const ENDS: ReadonlySet<number> = new Set([1, 4]);
const MOST_TYPE = 4;
const LOG_NUMBER = 2;
/** What LevelDB writes first of a record of 224 bytes: a checksum (nobody gets to compare it), the length, and that it is whole. */
const RECORD_HEADER = Buffer.from([0x4a, 0x3b, 0x2c, 0x1d, 224, 0, 1]);

/**
 * Which changes lack between those that are in the logs, in words; none as a rule. LevelDB syncs the log that it writes to, and
 * when it begins another one, what was not synced of the last stays so (google/leveldb#193): a power cut may take it and leave
 * what was synced later.
 */
export function lackingChanges(folder: string): string | undefined {
  let [last, lastLog] = [-1, ''];
  for (const log of logsToReplay(folder)) {
    for (const record of readRecords(readFileSync(join(folder, log)))) {
      const first = Number(record.readBigUInt64LE(0));
      if (last >= 0 && first > last + 1) return `changes ${last + 1} to ${first - 1}, between ${lastLog} and ${log}`;
      [last, lastLog] = [first + record.readUInt32LE(8) - 1, log];
    }
  }
  return undefined;
}

/**
 * Leaves each log of a profile as a kill does that comes between the two writes that a record takes: with a header at the end, and
 * nothing behind it. Nothing that was told as written is changed. LevelDB bears it, and writes on behind it.
 */
export function tearEnds(profile: string): void {
  for (const folder of levelDbFolders(profile)) {
    const log = logsToReplay(folder).at(-1);
    if (log === undefined) continue;
    const left = BLOCK_BYTES - (readFileSync(join(folder, log)).length % BLOCK_BYTES);
    // A header never spans blocks: what is left is filled.
    if (left < HEADER_BYTES) appendFileSync(join(folder, log), Buffer.alloc(left));
    appendFileSync(join(folder, log), RECORD_HEADER);
  }
}

/** The folders of all databases below a profile. */
export function levelDbFolders(profile: string): string[] {
  const parent = join(profile, 'Default', 'IndexedDB');
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => name.endsWith('.leveldb'))
    .map((name) => join(parent, name));
}

/** Resolves when LevelDB begins another log in this folder: it does so after some megabytes. */
export function nextLog(folder: string, withinMs = 60_000): Promise<void> {
  const known = new Set(readdirSync(folder));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no new log within ${withinMs} ms`)), withinMs);
  const watcher = watch(folder, (_event, name) => {
    if (name?.endsWith('.log') === true && !known.has(name)) resolve();
  });
  return promise.finally(() => {
    clearTimeout(timer);
    watcher.close();
  });
}

/** Older logs are in tables by now, whatever was synced of them. */
function logsToReplay(folder: string): string[] {
  const oldest = oldestLog(folder);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log') && Number.parseInt(name, 10) >= oldest)
    .toSorted();
}

function oldestLog(folder: string): number {
  const manifest = readFileSync(join(folder, 'CURRENT'), 'utf8').trim();
  const found = [...readRecords(readFileSync(join(folder, manifest)))].map(logNumberOf);
  return found.findLast((number) => number !== undefined) ?? 0;
}

/** The records of a log, up to the first one that is not whole. */
export function* readRecords(bytes: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const [length, type] = [bytes.readUInt16LE(at + 4), bytes.readUInt8(at + 6)];
    const end = at + HEADER_BYTES + length;
    if (type === 0 || type > MOST_TYPE || end > bytes.length) return;
    parts.push(bytes.subarray(at + HEADER_BYTES, end));
    if (ENDS.has(type)) {
      yield Buffer.concat(parts);
      parts = [];
    }
    at = end;
  }
}

/** What a change of the set of files says of the oldest log that still counts. */
function logNumberOf(record: Buffer): number | undefined {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = record.readUInt8(at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  const text = (): void => {
    const length = number();
    at += length;
  };
  const fields: Readonly<Record<number, readonly (() => unknown)[]>> = {
    1: [text],
    3: [number],
    4: [number],
    5: [number, text],
    6: [number, number],
    7: [number, number, number, text, text],
    9: [number],
  };
  let found: number | undefined;
  while (at < record.length) {
    const tag = number();
    if (tag === LOG_NUMBER) found = number();
    else if (fields[tag] === undefined) throw new Error(`a field of LevelDB's that is not known: ${tag}`);
    else for (const skip of fields[tag]) skip();
  }
  return found;
}
