import type { Awaitable, Bytes } from './bytes.ts';
import { concat, utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { FLAG } from './header.ts';

export const SALT_BYTES = 16;
/** The most that the wire form of a part takes besides its bytes: a mark and a hash, or a length and a salt. */
export const PART_OVERHEAD_BYTES = 33;

/** One erasable piece of a body: its salt and bytes, or, once erased, its hash alone. */
export type Part = { readonly salt: Bytes; readonly bytes: Bytes } | { readonly hash: Bytes };

/**
 * What a replica holds of an entry's body:
 * - `body`: all of it; one part, or several with the flag `parts`, of which some may be erased;
 * - `erased`: only its hash, for good;
 * - `withheld`: only its hash, because the sender left it out; it may be had elsewhere (LOG9).
 */
export type Content =
  | { readonly form: 'body'; readonly parts: readonly Part[] }
  | { readonly form: 'erased'; readonly bodyHash: Bytes }
  | { readonly form: 'withheld'; readonly bodyHash: Bytes };

/**
 * The body length that a header states. For a body in parts it counts what goes around each of them, so that the header
 * alone bounds the wire form, whatever is erased or left out of it (LOG4).
 */
export function bodyLength(parts: readonly Bytes[], flags: number): number {
  const overhead = (flags & FLAG.parts) === 0 ? 0 : PART_OVERHEAD_BYTES;
  return parts.reduce((total, part) => total + part.length + overhead, 0);
}

/** The flags of a body with this many parts. */
export function partsFlag(count: number): number {
  return count > 1 ? FLAG.parts : 0;
}

const BODY_DOMAIN = utf8('wakelog/body/1');
const PART_DOMAIN = utf8('wakelog/part/1');

/**
 * The body hash (LOG3): of salt and body, or, with the flag `parts`, of the hashes of the parts, each over its own salt.
 * Erased bytes cannot be guessed from a hash that covers a salt erased with them.
 */
export function hashContent(crypto: Crypto, content: Content, flags: number): Awaitable<Bytes> {
  if (content.form !== 'body') return content.bodyHash;
  if ((flags & FLAG.parts) !== 0) return hashParts(crypto, content.parts);
  const [part] = content.parts;
  if (part === undefined || 'hash' in part) throw new Error('a body without the flag parts is one whole part');
  return crypto.sha256(salted(BODY_DOMAIN, part.salt, part.bytes));
}

async function hashParts(crypto: Crypto, parts: readonly Part[]): Promise<Bytes> {
  const hashes: Bytes[] = [BODY_DOMAIN];
  for (const part of parts) hashes.push(await hashPart(crypto, part));
  return crypto.sha256(concat(...hashes));
}

export function hashPart(crypto: Crypto, part: Part): Awaitable<Bytes> {
  return 'hash' in part ? part.hash : crypto.sha256(salted(PART_DOMAIN, part.salt, part.bytes));
}

/** Room for what is hashed of the usual part, used again for each, as `sha256` allows. */
const room = new Uint8Array(4_096);

function salted(domain: Bytes, salt: Bytes, bytes: Bytes): Bytes {
  const start = domain.length + SALT_BYTES;
  if (start + bytes.length > room.length) return concat(domain, salt, bytes);
  room.set(domain);
  room.set(salt, domain.length);
  room.set(bytes, start);
  return room.subarray(0, start + bytes.length);
}

/** Content without its body, or without one part; undefined when there is nothing to erase. */
export async function eraseContent(
  crypto: Crypto,
  content: Content,
  flags: number,
  part?: number,
): Promise<Content | undefined> {
  if (content.form === 'erased') return undefined;
  const bodyHash = await hashContent(crypto, content, flags);
  if (part === undefined || content.form === 'withheld' || (flags & FLAG.parts) === 0) return { form: 'erased', bodyHash };
  const chosen = content.parts[part];
  if (chosen === undefined || 'hash' in chosen) return undefined;
  const hash = await hashPart(crypto, chosen);
  const parts = content.parts.map((other, i) => (i === part ? { hash } : other));
  return parts.every((other) => 'hash' in other) ? { form: 'erased', bodyHash } : { form: 'body', parts };
}
