import { createByteReader, MalformedBytes } from '../log/byte-reader.ts';
import type { ByteWriter } from '../log/byte-writer.ts';
import { createByteWriter } from '../log/byte-writer.ts';
import type { Bytes } from '../log/bytes.ts';
import { compareBytes, utf8, utf8ToText } from '../log/bytes.ts';

/*
 * The part of CBOR (RFC 8949) that messages are made of: whole numbers below 2^53, bytes, texts, lists, maps with texts for
 * keys, true and false. In its deterministic form only (§4.2): every value has one encoding, and whatever decodes is it.
 */
const [NUMBER, BYTES, TEXT, LIST, MAP, SIMPLE] = [0, 2, 3, 4, 5, 7] as const;
const [FALSE, TRUE] = [0xf4, 0xf5] as const;

/** As many data items as the fullest frame has: three for each 36 bytes of a version vector. */
const MAX_ITEMS = 400_000;
const MAX_LISTS = 131_072;
const MAX_DEPTH = 16;

/** Members that are undefined are left out. Throws for what has no encoding here. */
export function encodeCbor(value: unknown): Bytes {
  const writer = createByteWriter(1_024);
  writeValue(writer, value);
  return writer.finish();
}

function writeValue(writer: ByteWriter, value: unknown): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) writeHead(writer, NUMBER, value);
  else if (typeof value === 'boolean') writer.u8(value ? TRUE : FALSE);
  else if (typeof value === 'string') writeText(writer, utf8(value));
  else if (value instanceof Uint8Array) {
    writeHead(writer, BYTES, value.length);
    writer.bytes(value as Bytes);
  } else if (Array.isArray(value)) {
    writeHead(writer, LIST, value.length);
    for (const item of value) writeValue(writer, item);
  } else if (typeof value === 'object' && value !== null) writeMap(writer, value);
  else throw new TypeError(`no message holds such a value: ${String(value)}`);
}

function writeText(writer: ByteWriter, text: Bytes): void {
  writeHead(writer, TEXT, text.length);
  writer.bytes(text);
}

function writeMap(writer: ByteWriter, map: object): void {
  const members = Object.entries(map)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]: [string, unknown]) => [utf8(name), value] as const)
    .sort(([a], [b]) => compareKeys(a, b));
  writeHead(writer, MAP, members.length);
  for (const [name, value] of members) {
    writeText(writer, name);
    writeValue(writer, value);
  }
}

/** The order of the keys' encodings: a shorter text has the smaller head. */
function compareKeys(a: Bytes, b: Bytes): number {
  return a.length - b.length || compareBytes(a, b);
}

/** Three bits of kind, five of argument or of how many bytes the argument has. */
function writeHead(writer: ByteWriter, major: number, argument: number): void {
  const power = argument < 24 ? -1 : argument < 2 ** 8 ? 0 : argument < 2 ** 16 ? 1 : argument < 2 ** 32 ? 2 : 3;
  writer.u8((major << 5) | (power < 0 ? argument : 24 + power));
  if (power < 0) return;
  for (let shift = 2 ** power - 1; shift >= 0; shift--) writer.u8(Math.floor(argument / 256 ** shift) % 256);
}

/**
 * The value of bytes in the one form it can have; maps as Map, so that no key can reach a prototype, bytes as copies. Throws
 * `MalformedBytes` for everything else, and for more than a message holds (CAP7): a frame of 4 MiB could unfold to four
 * million maps, so nothing is made before it is counted, and no length is believed that the rest cannot hold. `mostMaps`:
 * how many maps such a message may have; the dearest thing to decode.
 */
export function decodeCbor(source: Bytes, mostMaps: number): unknown {
  const reader = createByteReader(source);
  let [items, lists, maps] = [0, 0, 0];

  function readValue(depth: number): unknown {
    if (++items > MAX_ITEMS || depth > MAX_DEPTH) throw new MalformedBytes('more than a message holds');
    const first = reader.u8();
    const major = first >> 5;
    if (major === SIMPLE) {
      if (first === TRUE || first === FALSE) return first === TRUE;
      throw new MalformedBytes('no such simple value');
    }
    const argument = readArgument(first & 31);
    if (major === NUMBER) return argument;
    if (major === BYTES) return reader.bytes(argument).slice();
    if (major === TEXT) return readText(reader.bytes(argument));
    if (major === LIST) return readList(argument, depth);
    if (major === MAP) return readMap(argument, depth);
    throw new MalformedBytes('no such kind of value');
  }

  function readArgument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw new MalformedBytes('no such length');
    const length = 2 ** (info - 24);
    let argument = 0;
    for (let i = 0; i < length; i++) argument = argument * 256 + reader.u8();
    const least = info === 24 ? 24 : 2 ** (4 * length);
    if (argument < least || argument > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('not the shortest form');
    return argument;
  }

  function readList(length: number, depth: number): unknown[] {
    if (++lists > MAX_LISTS || length > reader.left()) throw new MalformedBytes('more than a message holds');
    const list: unknown[] = [];
    for (let i = 0; i < length; i++) list.push(readValue(depth + 1));
    return list;
  }

  function readMap(length: number, depth: number): ReadonlyMap<string, unknown> {
    if (++maps > mostMaps || length * 2 > reader.left()) throw new MalformedBytes('more than a message holds');
    const map = new Map<string, unknown>();
    let before: Bytes | undefined;
    for (let i = 0; i < length; i++) {
      items += 1;
      const first = reader.u8();
      if (first >> 5 !== TEXT) throw new MalformedBytes('a key is a text');
      const key = reader.bytes(readArgument(first & 31));
      if (before !== undefined && compareKeys(before, key) >= 0) throw new MalformedBytes('keys not in order');
      map.set(readText(key), readValue(depth + 1));
      before = key;
    }
    return map;
  }

  const value = readValue(1);
  if (reader.left() > 0) throw new MalformedBytes('something follows the end');
  return value;
}

function readText(bytes: Bytes): string {
  const text = utf8ToText(bytes);
  if (text === undefined) throw new MalformedBytes('not UTF-8');
  return text;
}
