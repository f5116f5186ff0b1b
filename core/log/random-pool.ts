import type { Bytes } from './bytes.ts';

const POOL_BYTES = 4_096;

/**
 * Random bytes in small pieces, as salts are: many are drawn at once, since a call takes much longer than its bytes. None is
 * handed out twice.
 */
export function createRandomPool(fill: (bytes: Bytes) => Bytes): (length: number) => Bytes {
  let pool = new Uint8Array(0);
  return (length) => {
    if (length > POOL_BYTES) return fill(new Uint8Array(length));
    if (pool.length < length) pool = fill(new Uint8Array(POOL_BYTES));
    const bytes = pool.slice(0, length);
    pool = pool.subarray(length);
    return bytes;
  };
}
