import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MalformedBytes } from '../../../core/log/byte-reader.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { fromHex } from '../../../core/log/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../core/protocol/cbor-codec.ts';

// The oracle is cborg, a whole CBOR implementation that is not ours.

const STRICT = {
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
};
const MOST_MAPS = 1_000;

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeNat(),
    fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('any'), { maxLength: 30 }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 30 }), tie('any'), { maxKeys: 30, noNullPrototype: true }),
  ),
})).any;

/** What a decoder that reads maps as Map makes of a value. */
function asDecoded(it: unknown): unknown {
  if (Array.isArray(it)) return it.map(asDecoded);
  if (typeof it !== 'object' || it === null || it instanceof Uint8Array) return it;
  return new Map(Object.entries(it).map(([name, member]) => [name, asDecoded(member)]));
}

test('SYNC9 the encoding is the one of cborg, byte for byte, and decodes to the value', () => {
  fc.assert(
    fc.property(value, (it) => {
      const bytes = encodeCbor(it);
      expect(Buffer.from(bytes).equals(Buffer.from(encode(it)))).toBe(true);
      expect(decodeCbor(bytes, MOST_MAPS)).toEqual(asDecoded(it));
    }),
    { numRuns: 1_000 },
  );
});

test('SYNC9 whatever decodes is the one encoding of its value, and a strict decoder reads the same in it', () => {
  const damaged = fc
    .tuple(value, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }), fc.nat(400))
    .map(([it, flips, cut]) => {
      const bytes = encodeCbor(it);
      for (const [at, byte] of flips) if (at < bytes.length) bytes[at] = byte;
      return bytes.slice(0, Math.max(1, bytes.length - (cut % 5)));
    });
  let decoded = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.uint8Array({ maxLength: 12 }).map((bytes) => new Uint8Array(bytes)),
      ),
      (bytes) => {
        const it = tryDecode(bytes);
        if (it === undefined) return;
        decoded += 1;
        const theirs: unknown = decode(bytes, STRICT);
        expect(it).toEqual(theirs);
        expect(Buffer.from(encode(theirs)).equals(Buffer.from(bytes))).toBe(true);
      },
    ),
    { numRuns: 5_000 },
  );
  expect(decoded).toBeGreaterThan(500);
});

test('SYNC9 what strict CBOR forbids is refused', () => {
  const refused = {
    'nothing at all': '',
    'two values': '0101',
    'a number not in its shortest form': '1817',
    'a longer number not in its shortest form': '1900ff',
    'a number of 2^53': '1b0020000000000000',
    'a negative number': '20',
    'a float': 'f90000',
    'a double': 'fb3ff0000000000000',
    null: 'f6',
    undefined: 'f7',
    'a tag': 'c001',
    'a list without a length': '9f01ff',
    'a text without a length': '7f6161ff',
    'a text that is no UTF-8': '61ff',
    'a text cut off': '6261',
    'a key twice': 'a2616101616102',
    'keys not in order': 'a2616201616101',
    'a shorter key behind a longer': 'a262616101616202',
    'a key that is a number': 'a10101',
    'a list longer than the rest': '9affffffff01',
    'a map longer than the rest': 'ba7fffffff',
  };
  for (const [what, hex] of Object.entries(refused)) {
    expect(tryDecode(fromHex(hex) ?? new Uint8Array()), what).toBeUndefined();
  }
  for (const odd of [-1, 0.5, Number.NaN, 2 ** 53, null, undefined, Symbol.iterator, 1n]) {
    expect(() => encodeCbor([odd])).toThrow(TypeError);
  }
  expect(tryDecode(encodeCbor({ left: undefined, kept: 1 }))).toEqual(new Map([['kept', 1]]));
});

test('CAP7 more than a message holds is refused before it is made', () => {
  const nested = (depth: number): Bytes => Uint8Array.from([...Array.from({ length: depth }, () => 0x81), 0x01]);
  expect(tryDecode(nested(15))).toBeDefined();
  expect(tryDecode(nested(16))).toBeUndefined();
  expect(tryDecode(nested(1_000_000))).toBeUndefined();
  const maps = (count: number): Bytes => encodeCbor(Array.from({ length: count }, () => ({})));
  expect(tryDecode(maps(MOST_MAPS))).toBeDefined();
  expect(tryDecode(maps(MOST_MAPS + 1))).toBeUndefined();
  expect(tryDecode(encodeCbor(Array.from({ length: 131_072 }, () => [])))).toBeUndefined();
  expect(tryDecode(encodeCbor(Array.from({ length: 400_000 }, () => 1)))).toBeUndefined();
});

/** Undefined for bytes that are refused; whatever else is thrown fails the test. */
function tryDecode(bytes: Bytes): unknown {
  try {
    return decodeCbor(bytes, MOST_MAPS);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
