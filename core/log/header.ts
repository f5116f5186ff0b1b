import type { Awaitable, Bytes } from './bytes.ts';
import { utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { MAX_CLOCK_MS } from './limits.ts';

export const HEADER_BYTES = 128;
export const FORMAT_VERSION = 1;

/** What an entry is for. 16 and above count only from an authority log. Others are carried and not interpreted (LOG11). */
export const KIND = {
  data: 0,
  open: 1,
  erase: 2,
  prune: 3,
  snapshot: 4,
  enrol: 16,
  revoke: 17,
  refuse: 18,
  accept: 19,
  forkVerdict: 20,
  authority: 21,
} as const;

export const FLAG = { encrypted: 1, parts: 2 } as const;

const KNOWN_KINDS: ReadonlySet<number> = new Set(Object.values(KIND));
const KNOWN_FLAGS = FLAG.encrypted | FLAG.parts;

/** The signed 128 bytes of an entry (LOG1). Numbers of 64 bits stay below 2^53. */
export interface Header {
  readonly kind: number;
  readonly flags: number;
  readonly bodyBytes: number;
  readonly sequence: number;
  readonly lamport: number;
  /** The writer's wall clock in ms, below 2^52. Advisory: decides nothing. */
  readonly clock: number;
  /** The writer's public key. */
  readonly log: Bytes;
  /** Id of the entry before it; zeros at sequence 0. */
  readonly previous: Bytes;
  readonly bodyHash: Bytes;
}

const ENTRY_DOMAIN = utf8('wakelog/entry/1');
export const NO_ENTRY: Bytes = new Uint8Array(32);

/** Domain and header side by side, as they are hashed: 15 + 128 bytes, used again for each, as `sha256` allows. */
const hashed = new Uint8Array(ENTRY_DOMAIN.length + HEADER_BYTES);
const hashedView = new DataView(hashed.buffer, ENTRY_DOMAIN.length);
hashed.set(ENTRY_DOMAIN);
hashedView.setUint8(0, FORMAT_VERSION);

function hashedHeader(header: Header): Bytes {
  const start = ENTRY_DOMAIN.length;
  hashedView.setUint8(1, header.kind);
  hashedView.setUint16(2, header.flags);
  hashedView.setUint32(4, header.bodyBytes);
  setUint53(hashedView, 8, header.sequence);
  setUint53(hashedView, 16, header.lamport);
  setUint53(hashedView, 24, header.clock);
  hashed.set(header.log, start + 32);
  hashed.set(header.previous, start + 64);
  hashed.set(header.bodyHash, start + 96);
  return hashed;
}

export function encodeHeader(header: Header): Bytes {
  return hashedHeader(header).slice(ENTRY_DOMAIN.length);
}

/** The header of exactly 128 bytes, or the reason why there is none. */
export function decodeHeader(bytes: Bytes): Header | 'malformed' | 'unsupported-format' {
  if (bytes.length !== HEADER_BYTES) return 'malformed';
  if (bytes[0] !== FORMAT_VERSION) return 'unsupported-format';
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const [sequence, lamport, clock] = [getUint53(view, 8), getUint53(view, 16), getUint53(view, 24)];
  if (sequence === undefined || lamport === undefined || clock === undefined || clock > MAX_CLOCK_MS) return 'malformed';
  return {
    kind: view.getUint8(1),
    flags: view.getUint16(2),
    bodyBytes: view.getUint32(4),
    sequence,
    lamport,
    clock,
    log: bytes.slice(32, 64),
    previous: bytes.slice(64, 96),
    bodyHash: bytes.slice(96, 128),
  };
}

/** SHA-256("wakelog/entry/1" ‖ header); the signature is no part of it (LOG2). */
export function entryId(crypto: Crypto, header: Header): Awaitable<Bytes> {
  return crypto.sha256(hashedHeader(header));
}

/** Whether this version of the code knows what an entry means; others are kept and forwarded all the same (LOG11). */
export function isKnownToThisVersion(header: Pick<Header, 'kind' | 'flags'>): boolean {
  return KNOWN_KINDS.has(header.kind) && (header.flags & ~KNOWN_FLAGS) === 0;
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}

function getUint53(view: DataView, at: number): number | undefined {
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  return Number.isSafeInteger(value) ? value : undefined;
}
