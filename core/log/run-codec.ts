import type { ByteReader } from './byte-reader.ts';
import { createByteReader, MalformedBytes } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { createByteWriter } from './byte-writer.ts';
import type { Bytes } from './bytes.ts';
import type { Content, Part } from './content.ts';
import { PART_OVERHEAD_BYTES, SALT_BYTES } from './content.ts';
import { FLAG, FORMAT_VERSION, NO_ENTRY } from './header.ts';
import {
  MAX_BODY_BYTES,
  MAX_CLOCK_MS,
  MAX_RUN_BYTES,
  MAX_RUN_ENTRIES,
  MAX_SINGLE_RUN_BYTES,
  MAX_WRITES_PER_ENTRY,
} from './limits.ts';
import type { Run, RunEntry } from './run.ts';
import { runWeightBytes } from './run.ts';
import type { LogName } from './version-vector.ts';
import { logName } from './version-vector.ts';

/*
 * The wire form of a run (LOG5). It leaves out whatever the receiver can compute: ids, body hashes, sequences.
 *
 *   u8       format version of the headers, 1
 *   32       log
 *   varint   sequence of the first entry
 *   32       id of the entry before the first; absent at sequence 0
 *   varint   number of entries
 *   entry…   u8      bits 0-1 form (0 body, 1 erased, 2 withheld), bit 2: a kind follows, bit 3: flags follow
 *            u8      kind, when it is not 0
 *            varint  flags, when they are not 0
 *            varint  lamport step, from 0 for the first entry; at least 1
 *            signed  clock step in ms, from 0 for the first entry; a clock is from 0 to 2^52 - 1
 *            varint  body length; of a body in parts, 33 more for each part
 *            form 1, 2: 32 bytes of body hash
 *            form 0: 16 bytes of salt, then the body; with the flag `parts`: varint number of parts, then each part as
 *                    varint 2 × length, salt, bytes — or, erased, varint 2 × length + 1 and 32 bytes of hash
 *   64       signature of the last entry
 *
 * Every number has one form, no bit is free, nothing may follow: no two byte strings mean the same run.
 */
const FORMS = ['body', 'erased', 'withheld'] as const;
const HAS_KIND = 4;
const HAS_FLAGS = 8;
const UNUSED_SHAPE_BITS = 0xf0;

export function encodeRun(run: Run): Bytes {
  const writer = createByteWriter(run.entries.length * 280 + 256);
  writer.u8(FORMAT_VERSION);
  writer.bytes(run.log);
  writer.varint(run.first);
  if (run.first > 0) writer.bytes(run.previous);
  writer.varint(run.entries.length);
  let [lamport, clock] = [0, 0];
  for (const entry of run.entries) {
    writeEntry(writer, entry, entry.lamport - lamport, entry.clock - clock);
    ({ lamport, clock } = entry);
  }
  writer.bytes(run.signature);
  return writer.finish();
}

function writeEntry(writer: ByteWriter, entry: RunEntry, lamportStep: number, clockStep: number): void {
  const { content } = entry;
  const kindBit = entry.kind === 0 ? 0 : HAS_KIND;
  const flagsBit = entry.flags === 0 ? 0 : HAS_FLAGS;
  writer.u8(FORMS.indexOf(content.form) | kindBit | flagsBit);
  if (kindBit !== 0) writer.u8(entry.kind);
  if (flagsBit !== 0) writer.varint(entry.flags);
  writer.varint(lamportStep);
  writer.signed(clockStep);
  writer.varint(entry.bodyBytes);
  if (content.form !== 'body') return writer.bytes(content.bodyHash);
  const inParts = (entry.flags & FLAG.parts) !== 0;
  if (inParts) writer.varint(content.parts.length);
  for (const part of content.parts) writePart(writer, part, inParts, entry.bodyBytes);
}

function writePart(writer: ByteWriter, part: Part, inParts: boolean, bodyBytes: number): void {
  if ('hash' in part) {
    // The length of an erased part is gone with it; only the whole body's length is signed.
    writer.varint(1);
    writer.bytes(part.hash);
    return;
  }
  if (inParts) writer.varint(part.bytes.length * 2);
  else if (part.bytes.length !== bodyBytes) throw new Error('body length differs from the header');
  writer.bytes(part.salt);
  writer.bytes(part.bytes);
}

/** The run that the bytes are the wire form of. Its bodies are views of `bytes`. Says nothing about signatures. */
export function decodeRun(bytes: Bytes): Run | 'malformed' | 'unsupported-format' | 'too-large' {
  if (bytes.length > MAX_SINGLE_RUN_BYTES) return 'too-large';
  const run = decodeStoredRun(bytes);
  if (typeof run === 'string') return run;
  return run.entries.length > 1 && runWeightBytes(run.entries) > MAX_RUN_BYTES ? 'too-large' : run;
}

/** The same for bytes from the own store, whatever their size: what was taken once can always be read again. */
export function decodeStoredRun(bytes: Bytes): Run | 'malformed' | 'unsupported-format' {
  if (bytes.length > 0 && bytes[0] !== FORMAT_VERSION) return 'unsupported-format';
  try {
    return readRun(createByteReader(bytes));
  } catch (error) {
    if (error instanceof MalformedBytes) return 'malformed';
    throw error;
  }
}

/** Which log a run is of, and where it ends, by its first bytes alone; undefined when they are no run's. */
export function runEnd(bytes: Bytes): { readonly log: LogName; readonly last: number } | undefined {
  try {
    const reader = createByteReader(bytes);
    reader.u8();
    const log = reader.bytes(32);
    const first = reader.varint();
    if (first > 0) reader.bytes(32);
    return { log: logName(log), last: first + reader.varint() - 1 };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

function readRun(reader: ByteReader): Run {
  reader.u8();
  const log = reader.bytes(32);
  const first = reader.varint();
  const previous = first > 0 ? reader.bytes(32) : NO_ENTRY;
  const count = reader.varint();
  if (count < 1 || count > MAX_RUN_ENTRIES) throw new MalformedBytes('number of entries');
  if (!Number.isSafeInteger(first + count)) throw new MalformedBytes('sequence of 2^53 or more');
  const entries: RunEntry[] = [];
  let [lamport, clock] = [0, 0];
  for (let i = 0; i < count; i++) {
    const entry = readEntry(reader, lamport, clock);
    entries.push(entry);
    ({ lamport, clock } = entry);
  }
  const signature = reader.bytes(64);
  if (reader.left() !== 0) throw new MalformedBytes('bytes after the end');
  return { log, first, previous, entries, signature };
}

function readEntry(reader: ByteReader, lamportBefore: number, clockBefore: number): RunEntry {
  const shape = reader.u8();
  const form = FORMS[shape & 3];
  if (form === undefined || (shape & UNUSED_SHAPE_BITS) !== 0) throw new MalformedBytes('shape');
  const kind = (shape & HAS_KIND) === 0 ? 0 : reader.u8();
  const flags = (shape & HAS_FLAGS) === 0 ? 0 : reader.varint();
  if ((kind === 0) === ((shape & HAS_KIND) !== 0)) throw new MalformedBytes('kind');
  if ((flags === 0) === ((shape & HAS_FLAGS) !== 0) || flags > 0xffff) throw new MalformedBytes('flags');
  const lamportStep = reader.varint();
  const lamport = lamportBefore + lamportStep;
  if (lamportStep < 1 || !Number.isSafeInteger(lamport)) throw new MalformedBytes('lamport counter');
  const clock = clockBefore + reader.signed();
  if (clock < 0 || clock > MAX_CLOCK_MS) throw new MalformedBytes('clock');
  const bodyBytes = reader.varint();
  if (bodyBytes > MAX_BODY_BYTES) throw new MalformedBytes('body length');
  const content: Content =
    form === 'body'
      ? { form, parts: (flags & FLAG.parts) === 0 ? [readWhole(reader, bodyBytes)] : readParts(reader, bodyBytes) }
      : { form, bodyHash: reader.bytes(32) };
  return { kind, flags, bodyBytes, lamport, clock, content };
}

function readWhole(reader: ByteReader, bodyBytes: number): Part {
  return { salt: reader.bytes(SALT_BYTES), bytes: reader.bytes(bodyBytes) };
}

function readParts(reader: ByteReader, bodyBytes: number): Part[] {
  const count = reader.varint();
  if (count < 1 || count > MAX_WRITES_PER_ENTRY + 1) throw new MalformedBytes('number of parts');
  const parts: Part[] = [];
  let seen = 0;
  let erased = 0;
  for (let i = 0; i < count; i++) {
    const mark = reader.varint();
    if (mark === 1) {
      parts.push({ hash: reader.bytes(32) });
      erased += 1;
      seen += PART_OVERHEAD_BYTES;
    } else {
      if (mark % 2 === 1) throw new MalformedBytes('part');
      seen += mark / 2 + PART_OVERHEAD_BYTES;
      parts.push(readWhole(reader, mark / 2));
    }
    if (seen > bodyBytes) throw new MalformedBytes('parts longer than the body');
  }
  if (erased === 0 && seen !== bodyBytes) throw new MalformedBytes('parts shorter than the body');
  // All parts erased is the form `erased`: one state, one encoding.
  if (erased === count) throw new MalformedBytes('no part left');
  return parts;
}
