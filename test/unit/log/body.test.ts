import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Body, Json, Parent, Write } from '../../../core/log/body.ts';
import { bodyToParts, isKey, isStorableJson, parseJson, partsToBody } from '../../../core/log/body.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import {
  compareBytes,
  compareText,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  utf8,
  utf8ToText,
} from '../../../core/log/bytes.ts';
import type { Part } from '../../../core/log/content.ts';
import { MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_KEY_BYTES } from '../../../core/log/limits.ts';
import { bytesOf } from './test-writer.ts';

const SALT = bytesOf('salt', 16);
const SEQUENCE = 1_000;
const ID = toBase64Url(bytesOf('id'));

function part(text: string | Bytes): Part {
  return { salt: SALT, bytes: typeof text === 'string' ? utf8(text) : text };
}

function meaningOf(...texts: readonly (string | Bytes)[]): Body | undefined {
  return partsToBody(texts.map(part), SEQUENCE);
}

const anyText = fc.string({ unit: 'binary' });
const anyKey = anyText.filter(isKey);
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toBase64Url(bytes));
const parent: fc.Arbitrary<Parent> = fc.oneof(fc.nat(SEQUENCE - 1), id);
const parents = fc.uniqueArray(parent, { maxLength: 5 });
// JSON has no -0: what a writer puts is what a reader gets, for everything else.
const value = fc
  .jsonValue({ noUnicodeString: false })
  .filter((json) => !Object.is(json, -0) && isStorableJson(json)) as fc.Arbitrary<Json>;
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.tuple(fc.constant('put' as const), anyKey, value, parents),
  fc.tuple(fc.constant('delete' as const), anyKey, parents),
);
const read = fc.oneof(fc.record({ key: anyKey, ids: fc.array(id) }), fc.record({ prefix: anyKey, ids: fc.array(id) }));
const body: fc.Arbitrary<Body> = fc.record(
  {
    writes: fc.uniqueArray(write, { maxLength: 6, selector: ([, key]) => key }),
    reads: fc.array(read, { maxLength: 3 }),
    events: fc.array(value, { maxLength: 3 }),
    origin: id,
  },
  { requiredKeys: ['writes'] },
);

describe('what a writer logs', () => {
  test('LOG12 means the same to every reader', () => {
    fc.assert(
      fc.property(body, (written) => {
        const parts = bodyToParts(written);
        if (typeof parts === 'string') throw new Error(parts);
        expect(JSON.stringify(meaningOf(...parts))).toBe(JSON.stringify(normalised(written)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('LOG12 is refused at once where a reader would find no meaning in it', () => {
    const anything = fc.anything({ withNullPrototype: true });
    const wild = fc.record(
      {
        writes: fc.array(
          fc.oneof(
            write,
            fc.tuple(
              fc.constant('put' as const),
              anyText,
              anything as fc.Arbitrary<Json>,
              fc.array(fc.oneof(parent, fc.integer(), anyText)),
            ),
          ),
        ),
        reads: fc.array(fc.oneof(read, fc.record({ key: anyText, ids: fc.array(anyText) }))),
        events: fc.array(anything as fc.Arbitrary<Json>),
        origin: fc.oneof(id, anyText),
      },
      { requiredKeys: ['writes'] },
    ) as fc.Arbitrary<Body>;
    fc.assert(
      fc.property(wild, (written) => {
        const parts = bodyToParts(written);
        if (typeof parts !== 'string') expect(partsToBody(parts.map(part), 2 ** 53 - 1)).toBeDefined();
      }),
      { numRuns: 3_000 },
    );
  });

  test('LOG12 each write of several is a part of its own, and erased alone', () => {
    const parts = bodyToParts({
      writes: [
        ['put', 'a', 1, []],
        ['delete', 'b', [3]],
      ],
      events: ['e'],
    });
    if (typeof parts === 'string') throw new Error(parts);
    expect(parts.map(utf8ToText)).toEqual([
      '{"writes":[],"events":["e"]}',
      '{"writes":[["put","a",1,[]]]}',
      '{"writes":[["delete","b",[3]]]}',
    ]);
    const erased = parts.map((bytes, i): Part => (i === 1 ? { hash: bytesOf('hash') } : part(bytes)));
    expect(partsToBody(erased, SEQUENCE)).toEqual({ writes: [['delete', 'b', [3]]], events: ['e'] });
  });

  test.each([
    ['invalid-key', { writes: [['put', '', 1, []]] }],
    ['invalid-key', { writes: [['put', '\ud800', 1, []]] }],
    ['invalid-key', { writes: [['put', 'k'.repeat(MAX_KEY_BYTES + 1), 1, []]] }],
    ['invalid-key', { writes: [['put', '€'.repeat(342), 1, []]] }],
    [
      'invalid-key',
      {
        writes: [
          ['put', 'k', 1, []],
          ['delete', 'k', []],
        ],
      },
    ],
    ['invalid-value', { writes: [['put', 'k', Number.NaN, []]] }],
    ['invalid-value', { writes: [['put', 'k', nested(MAX_JSON_DEPTH + 1), []]] }],
    ['invalid-value', { writes: [['put', 'k', JSON.parse('{"__proto__":1}'), []]] }],
    ['invalid-value', { writes: [['put', 'k', new Date(0) as unknown as Json, []]] }],
    ['invalid-value', { writes: [], events: [nested(MAX_JSON_DEPTH + 1)] }],
    ['invalid-value', { writes: [], events: [Number.POSITIVE_INFINITY] }],
    ['invalid-parents', { writes: [['put', 'k', 1, [-1]]] }],
    ['invalid-parents', { writes: [['put', 'k', 1, [1.5]]] }],
    ['invalid-parents', { writes: [['put', 'k', 1, ['short']]] }],
    ['invalid-parents', { writes: [['put', 'k', 1, [7, 7]]] }],
    ['invalid-parents', { writes: [['put', 'k', 1, Array.from({ length: 257 }, (_, i) => i)]] }],
    ['invalid-parents', { writes: [], origin: 'short' }],
    ['invalid-parents', { writes: [], reads: [{ key: 'k', ids: ['short'] }] }],
    ['too-many-writes', { writes: Array.from({ length: 1_025 }, (_, i) => ['put', `${i}`, 1, []]) }],
    ['entry-too-large', { writes: [['put', 'k', 'x'.repeat(MAX_BODY_BYTES), []]] }],
  ] as [string, Body][])('LOG12 a writer is told %s (case %#)', (fault, written) => {
    expect(bodyToParts(written)).toBe(fault);
  });

  test('LOG12 a value that contains itself is refused without filling the memory', () => {
    const cycle: Json[] = [];
    cycle.push(cycle, cycle);
    expect(bodyToParts({ writes: [['put', 'k', cycle, []]] })).toBe('invalid-value');
  });
});

describe('what a reader makes of any bytes', () => {
  test('LOG12 no bytes make the reader throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 }), fc.json(), (texts, json) => {
        meaningOf(...(texts as Bytes[]));
        meaningOf(json);
        meaningOf(`{"writes":[["put","k",${json},[]]]}`);
        meaningOf(`{"writes":${json}}`, '{"writes":[]}');
        meaningOf(`{"writes":[],"reads":${json}}`);
        meaningOf(`{"writes":[],"events":[${json}],"origin":${json}}`);
        meaningOf(`{"writes":[["delete","k",${json}]]}`);
      }),
      { numRuns: 5_000 },
    );
  });

  test('LOG12 a megabyte of brackets, of elements or of names does no harm', () => {
    const size = MAX_BODY_BYTES - 100;
    expect(meaningOf('['.repeat(size))).toBeUndefined();
    expect(meaningOf(`{"writes":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`)).toBeUndefined();
    expect(meaningOf(`{"writes":[["put","k",${'['.repeat(400_000)}${']'.repeat(400_000)},[]]]}`)).toBeUndefined();
    expect(meaningOf(`{"writes":[],"events":[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]}`)).toBeUndefined();
    const wide = meaningOf(`{"writes":[["put","k",[${'0,'.repeat(500_000)}0],[]]]}`);
    expect((wide?.writes[0]?.[2] as Json[] | undefined)?.length).toBe(500_001);
    expect(meaningOf(`{"writes":[],"events":[${'0,'.repeat(500_000)}0]}`)?.events?.length).toBe(500_001);
    expect(meaningOf(`{"writes":[${'[],'.repeat(300_000)}[]]}`)).toBeUndefined();
  });

  test.each([
    ['no JSON', 'writes'],
    ['nothing', ''],
    ['no object', '[]'],
    ['no writes', '{}'],
    ['an unknown member', '{"writes":[],"more":1}'],
    ['the member __proto__', '{"writes":[],"__proto__":{"writes":[]}}'],
    ['__proto__ in a value', '{"writes":[["put","k",{"a":{"__proto__":{}}},[]]]}'],
    ['__proto__ in an event', '{"writes":[],"events":[{"__proto__":1}]}'],
    ['a byte order mark', '\ufeff{"writes":[]}'],
    ['a lone surrogate in a key', '{"writes":[["put","\\ud800",1,[]]]}'],
    ['a number too large for JSON', '{"writes":[["put","k",1e999,[]]]}'],
    ['an unknown operation', '{"writes":[["patch","k",1,[]]]}'],
    ['a put without parents', '{"writes":[["put","k",1]]}'],
    ['a put with more', '{"writes":[["put","k",1,[],0]]}'],
    ['a key twice', '{"writes":[["put","k",1,[]],["delete","k",[]]]}'],
    ['a parent of its own sequence', `{"writes":[["put","k",1,[${SEQUENCE}]]]}`],
    ['a parent that is no whole number', '{"writes":[["put","k",1,[0.5]]]}'],
    ['an id with spare bits', `{"writes":[["put","k",1,["${'A'.repeat(42)}B"]]]}`],
    ['a read of nothing', '{"writes":[],"reads":[{"ids":[]}]}'],
    ['a read of two things', '{"writes":[],"reads":[{"key":"a","prefix":"b","ids":[]}]}'],
    ['an origin that is no id', '{"writes":[],"origin":"x"}'],
  ])('LOG12 %s makes an entry without meaning', (_, text) => {
    expect(meaningOf(text)).toBeUndefined();
  });

  test('LOG12 two parts with members besides writes have no meaning together', () => {
    expect(meaningOf('{"writes":[],"events":[]}', '{"writes":[]}')).toEqual({ writes: [], events: [] });
    expect(meaningOf('{"writes":[],"events":[]}', `{"writes":[],"origin":"${ID}"}`)).toBeUndefined();
    expect(meaningOf('{"writes":[["put","k",1,[]]]}', '{"writes":[["put","k",2,[]]]}')).toBeUndefined();
  });

  test('LOG12 of a member named twice the last counts, as in every JavaScript engine', () => {
    expect(meaningOf('{"writes":[["put","k",1,[]]],"writes":[]}')).toEqual({ writes: [] });
    expect(meaningOf('{"writes":[["put","k",{"a":1,"a":2},[]]]}')?.writes[0]?.[2]).toEqual({ a: 2 });
  });

  test('LOG12 bytes that are no UTF-8 are no text, and the next text is read all the same', () => {
    expect(parseJson(Uint8Array.of(0x22, 0xc3, 0x22))).toBeUndefined();
    expect(parseJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBeUndefined();
    expect(parseJson(utf8('"é"'))).toBe('é');
  });
});

describe('text and bytes', () => {
  test('LOG12 keys are ordered by their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Math.sign(compareBytes(utf8(a), utf8(b))));
      }),
      { numRuns: 5_000 },
    );
    expect(compareText('\u{10000}', '\uffff')).toBeGreaterThan(0);
  });

  test('LOG12 a key is well-formed and has 1 to 1,024 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }), (text) => {
        const bytes = utf8(text);
        expect(isKey(text)).toBe(bytes.length > 0 && bytes.length <= MAX_KEY_BYTES && utf8ToText(bytes) === text);
      }),
    );
    expect([
      isKey('k'.repeat(1_024)),
      isKey('k'.repeat(1_025)),
      isKey('€'.repeat(341)),
      isKey('€'.repeat(342)),
    ]).toEqual([true, false, true, false]);
  });

  test('LOG5 base64url and hexadecimal have one text for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.string({ maxLength: 12 }), (bytes, text) => {
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        const decoded = fromBase64Url(text);
        if (decoded !== undefined) expect(toBase64Url(decoded)).toBe(text);
      }),
    );
    expect([
      fromBase64Url('A'),
      fromBase64Url('AB'),
      fromBase64Url('AA='),
      fromBase64Url('é+/='),
      fromHex('0'),
      fromHex('0g'),
    ]).toEqual(Array.from({ length: 6 }, () => undefined));
  });
});

function nested(depth: number): Json {
  let json: Json = 1;
  for (let i = 0; i < depth; i++) json = [json];
  return json;
}

/** What is left of a body by way of parts: its writes, and members in the order they were given. */
function normalised({ writes, ...rest }: Body): Body {
  return { writes, ...rest };
}
