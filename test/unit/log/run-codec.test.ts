import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createByteReader, MalformedBytes } from '../../../core/log/byte-reader.ts';
import { createByteWriter } from '../../../core/log/byte-writer.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { concat } from '../../../core/log/bytes.ts';
import type { Content, Part } from '../../../core/log/content.ts';
import { bodyLength, PART_OVERHEAD_BYTES } from '../../../core/log/content.ts';
import { decodeHeader, encodeHeader, FLAG, HEADER_BYTES, NO_ENTRY } from '../../../core/log/header.ts';
import { MAX_CLOCK_MS, MAX_RUN_BYTES, MAX_SINGLE_RUN_BYTES } from '../../../core/log/limits.ts';
import type { Run, RunEntry } from '../../../core/log/run.ts';
import { runWeightBytes } from '../../../core/log/run.ts';
import { decodeRun, encodeRun } from '../../../core/log/run-codec.ts';
import { bytesOf, createTestWriter, numbered } from './test-writer.ts';

function bytesArbitrary(minLength: number, maxLength: number): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ minLength, maxLength });
}

const bytes32 = bytesArbitrary(32, 32);
const salted = fc.record({ salt: bytesArbitrary(16, 16), bytes: bytesArbitrary(0, 40) });
const part: fc.Arbitrary<Part> = fc.oneof(salted, fc.record({ hash: bytes32 }));

interface Shape {
  readonly flags: number;
  readonly bodyBytes: number;
  readonly content: Content;
}

const wholeBody: fc.Arbitrary<Shape> = fc.tuple(salted, fc.nat(0xffff)).map(([whole, flags]) => ({
  flags: flags & ~FLAG.parts,
  bodyBytes: whole.bytes.length,
  content: { form: 'body', parts: [whole] },
}));

const bodyInParts: fc.Arbitrary<Shape> = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 5 }), fc.nat(0xffff), fc.nat(50))
  .filter(([parts]) => parts.some((each) => 'bytes' in each))
  .map(([parts, flags, erasedBytes]) => {
    const held = parts.flatMap((each) => ('bytes' in each ? [each.bytes] : []));
    const erased = parts.length - held.length;
    const bodyBytes = bodyLength(held, FLAG.parts) + (erased === 0 ? 0 : erased * PART_OVERHEAD_BYTES + erasedBytes);
    return { flags: flags | FLAG.parts, bodyBytes, content: { form: 'body', parts } };
  });

const lackingBody: fc.Arbitrary<Shape> = fc
  .tuple(fc.constantFrom('erased' as const, 'withheld' as const), bytes32, fc.nat(0xffff), fc.nat(1_000))
  .map(([form, bodyHash, flags, bodyBytes]) => ({ flags, bodyBytes, content: { form, bodyHash } }));

const run: fc.Arbitrary<Run> = fc
  .tuple(
    fc.record({
      log: bytes32,
      first: fc.oneof(fc.nat(3), fc.maxSafeNat()),
      previous: bytes32,
      signature: bytesArbitrary(64, 64),
    }),
    fc.array(
      fc.tuple(
        fc.oneof(wholeBody, bodyInParts, lackingBody),
        fc.nat(255),
        fc.integer({ min: 1, max: 2 ** 20 }),
        fc.nat({ max: MAX_CLOCK_MS }),
      ),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
  )
  .map(([{ log, first, previous, signature }, entries]) => {
    let lamport = 0;
    const start = Math.min(first, Number.MAX_SAFE_INTEGER - entries.length);
    return {
      log,
      first: start,
      previous: start === 0 ? NO_ENTRY : previous,
      signature,
      entries: entries.map(([shape, kind, step, clock]): RunEntry => ({
        ...shape,
        kind,
        lamport: (lamport += step),
        clock,
      })),
    };
  });

describe('one encoding of every meaning', () => {
  test('LOG5 any run comes back as it was', () => {
    fc.assert(
      fc.property(run, (original) => {
        const wire = encodeRun(original);
        expect(decodeRun(wire)).toEqual(original);
        expect(wire.length).toBeLessThanOrEqual(runWeightBytes(original.entries));
      }),
      { numRuns: 1_000 },
    );
  });

  test('LOG5 whatever bytes decode are the only encoding of what they mean', () => {
    let decoded = 0;
    fc.assert(
      fc.property(run, fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.nat(255)), { maxLength: 3 }), (original, edits) => {
        const wire = edits.reduce<Bytes>(
          (bytes, [at, how, value]) => edited(bytes, at % bytes.length, how, value),
          encodeRun(original),
        );
        const again = decodeRun(wire);
        if (typeof again === 'string') return;
        decoded += 1;
        expect(encodeRun(again)).toEqual(wire);
      }),
      { numRuns: 20_000 },
    );
    expect(decoded).toBeGreaterThan(5_000);
  });

  test('LOG5 no bytes make the decoder throw', () => {
    const random = fc.oneof(
      bytesArbitrary(0, 400),
      bytesArbitrary(0, 400).map((bytes) => concat(Uint8Array.of(1), bytes)),
    );
    fc.assert(
      fc.property(random, (wire) => {
        const again = decodeRun(wire);
        if (typeof again !== 'string') expect(encodeRun(again)).toEqual(wire);
      }),
      { numRuns: 20_000 },
    );
  });

  test('LOG5 S1.5 a run cut at any byte, or with a byte more, is no run', async () => {
    const { bytes } = await createTestWriter().writeRun(...numbered(20), {
      parts: [new Uint8Array(5), new Uint8Array(0)],
    });
    for (let length = 0; length < bytes.length; length++)
      expect(decodeRun(bytes.slice(0, length)), `${length} bytes`).toBe('malformed');
    for (let more = 0; more < 256; more++) expect(decodeRun(concat(bytes, Uint8Array.of(more)))).toBe('malformed');
  });

  test('LOG1 a header has one encoding, and no bytes make its decoder throw', () => {
    const plain = encodeHeader({
      kind: 0,
      flags: 0,
      bodyBytes: 1,
      sequence: 2,
      lamport: 3,
      clock: 4,
      log: bytesOf('a'),
      previous: bytesOf('b'),
      bodyHash: bytesOf('c'),
    });
    let decoded = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(HEADER_BYTES - 1), fc.nat(255)), { maxLength: 4 }),
        bytesArbitrary(0, 140),
        (edits, random) => {
          const bytes = plain.slice();
          for (const [at, value] of edits) bytes[at] = value;
          for (const candidate of [bytes, random]) {
            const header = decodeHeader(candidate);
            if (typeof header === 'string') continue;
            decoded += 1;
            expect(encodeHeader(header)).toEqual(candidate);
          }
        },
      ),
      { numRuns: 5_000 },
    );
    expect(decoded).toBeGreaterThan(2_000);
    expect(decodeHeader(plain.slice(1))).toBe('malformed');
    for (const at of [8, 16, 24]) {
      const beyond = plain.slice();
      beyond.set([0, 0x20, 0, 0, 0, 0, 0, 0], at);
      expect(decodeHeader(beyond), '2^53').toBe('malformed');
    }
  });

  test('LOG5 a number has one form: the shortest, below 2^53', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(300), fc.maxSafeNat()),
        fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }),
        (natural, whole) => {
          const writer = createByteWriter(1);
          writer.varint(natural);
          writer.signed(whole);
          const reader = createByteReader(writer.finish());
          expect([reader.varint(), reader.signed(), reader.left()]).toEqual([natural, whole + 0, 0]);
        },
      ),
    );
    fc.assert(
      fc.property(bytesArbitrary(1, 10), (bytes) => {
        const reader = createByteReader(bytes);
        try {
          const value = reader.varint();
          const writer = createByteWriter();
          writer.varint(value);
          expect(writer.finish()).toEqual(bytes.slice(0, reader.at()));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
      { numRuns: 5_000 },
    );
    expect(() => createByteReader(Uint8Array.of(0x80, 0)).varint()).toThrow(MalformedBytes);
    expect(() => createByteReader(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)).varint()).toThrow(
      MalformedBytes,
    );
    expect(() => createByteWriter().varint(2 ** 53)).toThrow(RangeError);
    expect(() => createByteWriter().varint(-1)).toThrow(RangeError);
  });
});

describe('what is refused by its bytes', () => {
  const entry: RunEntry = {
    kind: 0,
    flags: 0,
    bodyBytes: 1,
    lamport: 1,
    clock: 0,
    content: { form: 'body', parts: [{ salt: bytesOf('salt', 16), bytes: Uint8Array.of(65) }] },
  };
  const plain: Run = {
    log: bytesOf('log'),
    first: 0,
    previous: NO_ENTRY,
    entries: [entry],
    signature: bytesOf('signature', 64),
  };
  const inParts = (parts: readonly Part[], bodyBytes: number): Run => ({
    ...plain,
    entries: [{ ...entry, flags: FLAG.parts, bodyBytes, content: { form: 'body', parts } }],
  });
  const hash = { hash: bytesOf('hash') };
  const empty = { salt: bytesOf('salt', 16), bytes: new Uint8Array(0) };

  test('LOG5 the plain one, from which the others differ, is taken', () => {
    expect(decodeRun(encodeRun(plain))).toEqual(plain);
    expect(decodeRun(encodeRun(inParts([empty, hash], 70)))).toEqual(inParts([empty, hash], 70));
  });

  test.each([
    ['no entry', { ...plain, entries: [] }],
    ['257 entries', { ...plain, entries: Array.from({ length: 257 }, (_, i) => ({ ...entry, lamport: i + 1 })) }],
    ['a lamport counter of 0', { ...plain, entries: [{ ...entry, lamport: 0 }] }],
    ['a lamport counter that stands still', { ...plain, entries: [entry, entry] }],
    ['a sequence of 2^53', { ...plain, first: Number.MAX_SAFE_INTEGER }],
    [
      'a clock of 2^52',
      {
        ...plain,
        entries: [
          { ...entry, clock: 2 ** 51 },
          { ...entry, lamport: 2, clock: 2 ** 52 },
        ],
      },
    ],
    ['flags of more than 16 bits', { ...plain, entries: [{ ...entry, flags: 0x10000 }] }],
    [
      'a body of more than 1 MiB',
      {
        ...plain,
        entries: [{ ...entry, bodyBytes: 2 ** 20 + 1, content: { form: 'withheld', bodyHash: bytesOf('h') } }],
      },
    ],
    ['parts of which none is left', inParts([hash, hash], 66)],
    ['no part', inParts([], 0)],
    [
      '1,026 parts',
      inParts(
        Array.from({ length: 1_026 }, () => empty),
        1_026 * 33,
      ),
    ],
    ['parts longer than the body', inParts([empty, empty], 65)],
    ['parts shorter than the body', inParts([empty, empty], 67)],
    ['more erased parts than the body has room for', inParts([empty, hash], 65)],
  ] as [string, Run][])('LOG5 %s', (_, run) => {
    expect(decodeRun(encodeRun(run))).toBe('malformed');
  });

  test('LOG5 a kind or flags of 0 written out, unused bits, an unknown form', () => {
    const wire = encodeRun(plain);
    const at = 1 + 32 + 1 + 1;
    expect(wire[at]).toBe(0);
    for (let shape = 1; shape < 256; shape++) {
      const changed = wire.slice();
      changed[at] = shape;
      const decoded = decodeRun(changed);
      if (typeof decoded !== 'string') expect(encodeRun(decoded)).toEqual(changed);
      if (shape >= 16 || shape % 4 === 3) expect(decoded).toBe('malformed');
    }
    const zeroKind = concat(wire.slice(0, at), Uint8Array.of(4, 0), wire.slice(at + 1));
    const zeroFlags = concat(wire.slice(0, at), Uint8Array.of(8, 0), wire.slice(at + 1));
    expect([decodeRun(zeroKind), decodeRun(zeroFlags)]).toEqual(['malformed', 'malformed']);
  });

  test('LOG11 an unknown format version has a code of its own, before anything else is looked at', () => {
    for (const version of [0, 2, 255]) {
      expect(decodeRun(Uint8Array.of(version))).toBe('unsupported-format');
      const wire = encodeRun(plain);
      wire[0] = version;
      expect(decodeRun(wire)).toBe('unsupported-format');
      expect(decodeHeader(Uint8Array.from({ length: 128 }, () => version))).toBe('unsupported-format');
    }
  });

  test('LOG4 size: one entry up to the largest body, several up to 48 KiB of weight', () => {
    expect(decodeRun(new Uint8Array(MAX_SINGLE_RUN_BYTES + 1).fill(1))).toBe('too-large');
    const withheld = (bodyBytes: number, lamport: number): RunEntry => ({
      ...entry,
      bodyBytes,
      lamport,
      content: { form: 'withheld', bodyHash: bytesOf('h') },
    });
    const room = MAX_RUN_BYTES - runWeightBytes([withheld(16, 1), withheld(16, 2)]) + 16;
    const atLimit = { ...plain, entries: [withheld(16, 1), withheld(room, 2)] };
    expect(runWeightBytes(atLimit.entries)).toBe(MAX_RUN_BYTES);
    expect(decodeRun(encodeRun(atLimit))).toEqual(atLimit);
    expect(decodeRun(encodeRun({ ...plain, entries: [withheld(16, 1), withheld(room + 1, 2)] }))).toBe('too-large');
    expect(decodeRun(encodeRun({ ...plain, entries: [withheld(2 ** 20, 1)] }))).toBeTypeOf('object');
  });
});

/** Bytes with one replaced, inserted or removed, or one bit flipped. */
function edited(bytes: Bytes, at: number, how: number, value: number): Bytes {
  const before = bytes.slice(0, at);
  if (how === 0) return concat(before, Uint8Array.of(value), bytes.slice(at + 1));
  if (how === 1) return concat(before, Uint8Array.of(value), bytes.slice(at));
  if (how === 2) return concat(before, bytes.slice(at + 1), new Uint8Array(0));
  return concat(before, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (value % 8))), bytes.slice(at + 1));
}
