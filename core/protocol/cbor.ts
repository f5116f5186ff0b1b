import { MalformedBytes } from '../log/byte-reader.ts';
import type { Bytes } from '../log/bytes.ts';
import { utf8 } from '../log/bytes.ts';
import { decodeCbor } from './cbor-codec.ts';
import { MAX_NAME_BYTES } from './limits.ts';

/*
 * Messages as CBOR: maps are read as Map, so that no key can reach a prototype. Field readers throw `NotThisMessage`, which
 * decoders turn into `malformed`.
 */
export class NotThisMessage extends Error {
  override readonly name = 'NotThisMessage';
}

export type Fields = ReadonlyMap<unknown, unknown>;

export { encodeCbor as toCbor } from './cbor-codec.ts';

/** `mostMaps`: how many maps such a message may have. */
export function fromCbor(bytes: Bytes, mostMaps: number): Fields {
  try {
    return asFields(decodeCbor(bytes, mostMaps));
  } catch (error) {
    if (error instanceof MalformedBytes) throw new NotThisMessage(error.message);
    throw error;
  }
}

export function asFields(value: unknown): Fields {
  if (value instanceof Map) return value as Fields;
  throw new NotThisMessage('a map is expected');
}

export function asList(value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw new NotThisMessage(`a list of at most ${most} is expected`);
}

export function asBytes(value: unknown, length?: number): Bytes {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value as Bytes;
  throw new NotThisMessage('bytes are expected');
}

/** A whole number from 0 to 2^53 - 1. */
export function asCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new NotThisMessage('a whole number is expected');
}

export function asBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new NotThisMessage('true or false is expected');
}

export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new NotThisMessage('a text is expected');
}

/** A name of a space, account, device or epoch: 1 to 256 bytes. */
export function asName(value: unknown): string {
  const text = asText(value);
  if (text.length > 0 && text.length <= MAX_NAME_BYTES && utf8(text).length <= MAX_NAME_BYTES) return text;
  throw new NotThisMessage('a name of 1 to 256 bytes is expected');
}

/** Refuses fields that a message does not have, so that nothing is said twice or ignored. */
export function onlyFields(fields: Fields, names: readonly string[]): void {
  for (const name of fields.keys()) {
    if (typeof name !== 'string' || !names.includes(name)) throw new NotThisMessage('an unknown field');
  }
}
