import { hash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { Bytes } from '../../../core/log/bytes.ts';
import { createSha256 } from '../../../sw/crypto/sha256.ts';
import { ROUND_CONSTANTS, START_STATE } from '../../../sw/crypto/sha256-module.ts';

/** Past the first messages, which the platform hashes. */
async function createWarmSha256(): Promise<ReturnType<typeof createSha256>> {
  const sha256 = createSha256();
  for (let i = 0; i < 256; i++) await sha256(new Uint8Array(1));
  return sha256;
}

const oracle = (bytes: Bytes): Bytes => new Uint8Array(hash('sha256', bytes, 'buffer'));

afterEach(() => vi.unstubAllGlobals());

test('LOG2 LOG3 the worker hashes messages of every length as the platform does, short ones at once', async () => {
  const sha256 = await createWarmSha256();
  for (let length = 0; length <= 4_200; length++) {
    const bytes = new Uint8Array(length).map((_, i) => (i * 31 + length) & 0xff);
    const hashing = sha256(bytes);
    expect(hashing instanceof Promise).toBe(length > 4_096);
    expect(await hashing).toEqual(oracle(bytes));
  }
});

test('LOG2 LOG3 no message leaves a trace in the hash of the next', async () => {
  const sha256 = await createWarmSha256();
  const messages = fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(messages, (all) => {
      const bytes = all.map((each) => new Uint8Array(each));
      const hashes = bytes.map(sha256);
      expect(hashes).toEqual(bytes.map(oracle));
    }),
  );
});

test('LOG2 LOG3 where a site forbids WebAssembly the platform hashes everything', async () => {
  vi.stubGlobal('WebAssembly', {
    Module: () => {
      throw new Error('refused');
    },
  });
  const sha256 = await createWarmSha256();
  const hashing = sha256(new Uint8Array(200));
  expect(hashing).toBeInstanceOf(Promise);
  expect(await hashing).toEqual(oracle(new Uint8Array(200)));
});

test('LOG2 the constants are the exact roots of the primes, by whole numbers', () => {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0n)) primes.push(n);
  expect(ROUND_CONSTANTS).toEqual(primes.map((prime) => Number(BigInt.asUintN(32, root(prime << 96n, 3n)))));
  expect([...START_STATE]).toEqual(
    primes.slice(0, 8).map((prime) => Number(BigInt.asUintN(32, root(prime << 64n, 2n)))),
  );
});

/** The greatest whole number whose power is not above the value. */
function root(value: bigint, power: bigint): bigint {
  let found = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) if ((found + bit) ** power <= value) found += bit;
  return found;
}
