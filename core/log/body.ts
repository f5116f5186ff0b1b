import type { Bytes } from './bytes.ts';
import { fromBase64Url, pooledUtf8, utf8, utf8ToText } from './bytes.ts';
import type { Part } from './content.ts';
import { bodyLength, partsFlag } from './content.ts';
import {
  MAX_BODY_BYTES,
  MAX_JSON_DEPTH,
  MAX_KEY_BYTES,
  MAX_PARENTS_PER_WRITE,
  MAX_WRITES_PER_ENTRY,
} from './limits.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A version that a write supersedes: a sequence of the writer's own log, or the id (base64url) of any other entry. */
export type Parent = number | string;

/** One write of a data entry. `put` with null is a value; only `delete` deletes (S1.13). */
export type Write =
  | readonly ['put', key: string, value: Json, parents: readonly Parent[]]
  | readonly ['delete', key: string, parents: readonly Parent[]];

/** What a transaction read: a key or a key prefix, and the ids of the versions it saw ([] for none). */
export type Read = { readonly key: string; readonly ids: readonly string[] } | { readonly prefix: string; readonly ids: readonly string[] };

/** The meaning of a data entry (LOG12). */
export interface Body {
  readonly writes: readonly Write[];
  readonly reads?: readonly Read[];
  /** The app's own typed events, for views that fold them. */
  readonly events?: readonly Json[];
  /** Id (base64url) of the first entry, when this one was appended again in a new log. */
  readonly origin?: string;
}

export type BodyFault = 'invalid-key' | 'invalid-value' | 'invalid-parents' | 'too-many-writes' | 'entry-too-large';

const FORBIDDEN_KEY = '__proto__';

/**
 * The parts that a body is logged as: one JSON text for at most one write; otherwise one for each write, so that each
 * key can be erased alone, and one more in front when there are reads, events or an origin. A fault names what breaks a limit.
 */
export function bodyToParts(body: Body): Bytes[] | BodyFault {
  if (body.writes.length > MAX_WRITES_PER_ENTRY) return 'too-many-writes';
  const fault = findFault(body);
  if (fault !== undefined) return fault;
  const { writes, ...rest } = body;
  const parts =
    writes.length <= 1
      ? [jsonPart(body)]
      : [...(Object.keys(rest).length > 0 ? [jsonPart({ writes: [], ...rest })] : []), ...writes.map(jsonPartOfWrite)];
  return bodyLength(parts, partsFlag(parts.length)) > MAX_BODY_BYTES ? 'entry-too-large' : parts;
}

function jsonPartOfWrite(write: Write): Bytes {
  return jsonPart({ writes: [write] });
}

function jsonPart(value: Body): Bytes {
  return pooledUtf8(JSON.stringify(value));
}

/**
 * The meaning of a body's parts, or undefined when it has none (LOG12): such an entry is kept and forwarded, and every
 * view leaves it out. An erased part takes its write along and leaves the others.
 */
export function partsToBody(parts: readonly Part[], sequence: number): Body | undefined {
  const writes: Write[] = [];
  let rest: Omit<Body, 'writes'> = {};
  let restSeen = false;
  for (const part of parts) {
    if ('hash' in part) continue;
    const piece = parseJson(part.bytes);
    if (!isRecord(piece) || !Array.isArray(piece['writes'])) return undefined;
    if (Object.keys(piece).length > 1) {
      const { writes: _, ...others } = piece;
      if (restSeen || !isRest(others)) return undefined;
      restSeen = true;
      rest = others;
    }
    for (const write of piece['writes'] as Json[]) {
      if (!isWrite(write)) return undefined;
      writes.push(write);
    }
  }
  const body = { writes, ...rest };
  return findFault(body) === undefined && writes.every((write) => parentsPrecede(write, sequence)) ? body : undefined;
}

/** What breaks a limit: the one rule of writers, before they log a body, and of readers, before they give it a meaning. */
function findFault({ writes, reads, events, origin }: Body): BodyFault | undefined {
  if (writes.length > MAX_WRITES_PER_ENTRY) return 'too-many-writes';
  const keys = writes.length > 1 ? new Set<string>() : undefined;
  for (const write of writes) {
    const key = write[1];
    if (!isKey(key) || keys?.has(key) === true) return 'invalid-key';
    keys?.add(key);
    if (write[0] === 'put' && !isStorableJson(write[2])) return 'invalid-value';
    const parents = writeParents(write);
    if (parents.length > MAX_PARENTS_PER_WRITE || hasDuplicates(parents)) return 'invalid-parents';
    if (!parents.every(isParent)) return 'invalid-parents';
  }
  if (reads !== undefined) {
    if (!reads.every((read) => isKey('key' in read ? read.key : read.prefix))) return 'invalid-key';
    if (!reads.every(({ ids }) => ids.every(isId))) return 'invalid-parents';
  }
  if (origin !== undefined && !isId(origin)) return 'invalid-parents';
  return events === undefined || isStorableJson(events) ? undefined : 'invalid-value';
}

function hasDuplicates(parents: readonly Parent[]): boolean {
  return parents.length > 1 && new Set(parents).size !== parents.length;
}

export function writeParents(write: Write): readonly Parent[] {
  return write[0] === 'put' ? write[3] : write[2];
}

/** Whether a text may be a key: well-formed Unicode of 1 to 1,024 bytes, never normalised. */
export function isKey(key: string): boolean {
  if (key.length === 0 || key.length > MAX_KEY_BYTES || !isWellFormed(key)) return false;
  return key.length * 3 <= MAX_KEY_BYTES || utf8(key).length <= MAX_KEY_BYTES;
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDFFF]/.test(text) || !/(?:[\uD800-\uDBFF](?![\uDC00-\uDFFF]))|(?:(?<![\uD800-\uDBFF])[\uDC00-\uDFFF])/.test(text);
}

function isParent(parent: Json): parent is Parent {
  return typeof parent === 'number' ? Number.isSafeInteger(parent) && parent >= 0 : isId(parent);
}

function parentsPrecede(write: Write, sequence: number): boolean {
  return writeParents(write).every((parent) => typeof parent === 'string' || parent < sequence);
}

/** Whether a value is the base64url of 32 bytes. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length === 43 && fromBase64Url(value) !== undefined;
}

function isWrite(value: Json): value is Write {
  if (!Array.isArray(value) || typeof value[1] !== 'string') return false;
  if (value[0] === 'put') return value.length === 4 && Array.isArray(value[3]);
  return value[0] === 'delete' && value.length === 3 && Array.isArray(value[2]);
}

function isRest(rest: { readonly [key: string]: Json }): boolean {
  return Object.entries(rest).every(([name, value]) => {
    if (name === 'origin') return typeof value === 'string';
    if (name === 'events') return Array.isArray(value);
    return name === 'reads' && Array.isArray(value) && value.every(isRead);
  });
}

function isRead(value: Json): boolean {
  if (!isRecord(value) || !Array.isArray(value['ids']) || !value['ids'].every((id) => typeof id === 'string')) return false;
  const names = Object.keys(value);
  return names.length === 2 && typeof (value['key'] ?? value['prefix']) === 'string';
}

/**
 * Whether a value survives JSON unchanged and harmless: no deeper than 64, finite numbers, no `__proto__` key. The depth
 * bounds the recursion; the count stops at as much as a body can hold, so that no value that contains itself goes on for ever.
 */
export function isStorableJson(value: unknown): value is Json {
  return isStorable(value, 0, { seen: 0 });
}

function isStorable(item: unknown, depth: number, count: { seen: number }): boolean {
  count.seen += 1;
  if (depth > MAX_JSON_DEPTH || count.seen > MAX_BODY_BYTES) return false;
  if (item === null || typeof item === 'string' || typeof item === 'boolean') return true;
  if (typeof item === 'number') return Number.isFinite(item);
  if (Array.isArray(item)) {
    for (const element of item) if (!isStorable(element, depth + 1, count)) return false;
    return true;
  }
  if (!isRecord(item)) return false;
  for (const name of Object.keys(item)) {
    if (name === FORBIDDEN_KEY || !isStorable(item[name], depth + 1, count)) return false;
  }
  return true;
}

function isRecord(value: unknown): value is { readonly [key: string]: Json } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** The JSON value of UTF-8 bytes, or undefined. Never throws, whatever the bytes. */
export function parseJson(bytes: Bytes): Json | undefined {
  const text = utf8ToText(bytes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
