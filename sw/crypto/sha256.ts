import type { Awaitable, Bytes } from '../../core/log/bytes.ts';
import { MESSAGE_AT, sha256Module, START_STATE } from './sha256-module.ts';

/** Longer messages go to the browser's own SHA-256, which is several times as fast and costs 3 µs a call. */
const LONGEST_MESSAGE_BYTES = 4_096;
/** So many messages go there first, so that a worker that only looks something up never makes the module (4 ms). */
const MESSAGES_BEFORE_MODULE = 256;
const BLOCK_BYTES = 64;
/** What padding adds at least: a bit, and the length in 8 bytes. */
const PADDING_BYTES = 9;

/**
 * SHA-256. An entry takes two hashes of some 200 bytes: WebCrypto's calls, each a promise, are then most of the time that
 * 100,000 entries take to be checked, so short messages are hashed here and at once (docs/decisions/0007-hashing.md).
 */
export function createSha256(): (bytes: Bytes) => Awaitable<Bytes> {
  let hashed = 0;
  let short: ReturnType<typeof createShortSha256>;
  return (bytes) => {
    hashed += 1;
    if (hashed === MESSAGES_BEFORE_MODULE) short = createShortSha256();
    return short === undefined || bytes.length > LONGEST_MESSAGE_BYTES ? nativeSha256(bytes) : short(bytes);
  };
}

async function nativeSha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** Undefined where a site's content security policy forbids WebAssembly. */
function createShortSha256(): ((bytes: Bytes) => Bytes) | undefined {
  const instance = instantiate();
  if (instance === undefined) return undefined;
  const { m, f } = instance.exports as {
    readonly m: WebAssembly.Memory;
    readonly f: (at: number, end: number) => void;
  };
  const memory = new Uint8Array(m.buffer);
  const words = new Uint32Array(m.buffer);
  const view = new DataView(m.buffer);
  return (bytes) => {
    const messageEnd = MESSAGE_AT + bytes.length;
    const end = MESSAGE_AT + Math.ceil((bytes.length + PADDING_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
    words.set(START_STATE);
    memory.set(bytes, MESSAGE_AT);
    memory.fill(0, messageEnd, end);
    memory[messageEnd] = 0x80;
    view.setUint32(end - 4, bytes.length * 8);
    f(MESSAGE_AT, end);
    return memory.slice(32, 64);
  };
}

function instantiate(): WebAssembly.Instance | undefined {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(sha256Module()));
  } catch {
    return undefined;
  }
}
