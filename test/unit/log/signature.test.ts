import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../../core/log/bytes.ts';
import { concat, fromHex, utf8 } from '../../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../../core/log/crypto.ts';
import { headMessage, isStrictPoint, isStrictSignature, verifySignature } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { generateWriterSeed, seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import { hasEd25519 } from '../../../sw/crypto/has-ed25519.ts';
import { createNobleCrypto, generateNobleSeed, seedToNobleWriterKey } from '../../../sw/crypto/noble-crypto.ts';
import { createWebCrypto } from '../../../sw/crypto/web-crypto.ts';
import { generateWriterKeyPair, pairToWriterKey } from '../../../sw/crypto/web-writer-key.ts';
import { cancels, edgeSignature, encode, TORSION } from '../../vectors/edge-signatures.ts';
import type { SignatureVector } from '../../vectors/signature-vectors.ts';
import { bytesOf, SPACE_HASH } from './test-writer.ts';

const ENGINES: Readonly<Record<string, Crypto>> = {
  'node:crypto': createNodeCrypto(),
  WebCrypto: createWebCrypto(),
  'JavaScript fallback': createNobleCrypto(),
};

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/signatures.json', import.meta.url), 'utf8'),
) as readonly SignatureVector[];

function bytes(hex: string): Bytes {
  return fromHex(hex) ?? new Uint8Array(0);
}

describe.each(Object.entries(ENGINES))('%s', (_, crypto) => {
  test('LOG7 gives every edge case its verdict', async () => {
    for (const { name, publicKey, message, signature, valid } of vectors) {
      expect(await verifySignature(crypto, bytes(publicKey), bytes(message), bytes(signature)), name).toBe(valid);
    }
  });

  test('LOG7 answers for any bytes of the right lengths, and throws for none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        async (key, signature) => {
          signature[63] = (signature[63] ?? 0) & 0x0f;
          expect(await crypto.verifyEd25519(key, utf8('message'), signature)).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('LOG2 hashes as SHA-256 does, and its random bytes differ', async () => {
    const expected = bytes('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await crypto.sha256(utf8('abc'))).toEqual(expected);
    expect(crypto.randomBytes(16_400).length).toBe(16_400);
    expect(crypto.randomBytes(16)).not.toEqual(crypto.randomBytes(16));
  });
});

test(
  'LOG7 generated mixes of torsion, of S and of flipped bits have one verdict everywhere',
  { timeout: 120_000 },
  async () => {
    const verdicts = { true: 0, false: 0 };
    const edge = fc.record({
      seed: fc.string(),
      torsionOfA: fc.nat(7),
      torsionOfR: fc.nat(7),
      timesL: fc.constantFrom(0n, 0n, 0n, 1n, 8n),
      cancelled: fc.boolean(),
      flips: fc.array(fc.nat(96 * 8 - 1), { maxLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(edge, async ({ cancelled, flips, ...mix }) => {
        const possible = TORSION.some((_, k) => cancels(BigInt(k), mix.torsionOfA, mix.torsionOfR));
        const until = ({ reduced }: { reduced: bigint }): boolean =>
          !possible || !cancelled || cancels(reduced, mix.torsionOfA, mix.torsionOfR);
        const { publicKey, message, signature } = edgeSignature('', { ...mix, until });
        const joined = concat(publicKey, signature);
        for (const bit of flips) joined[bit >> 3] = (joined[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [key, signed] = [joined.slice(0, 32), joined.slice(32)];
        const answers = await Promise.all(
          Object.values(ENGINES).map(async (crypto) => verifySignature(crypto, key, message, signed)),
        );
        expect(new Set(answers).size, JSON.stringify(answers)).toBe(1);
        verdicts[`${answers[0] ?? false}`] += 1;
      }),
      { numRuns: 600 },
    );
    expect(verdicts.true).toBeGreaterThan(30);
    expect(verdicts.false).toBeGreaterThan(30);
  },
);

describe('the strict form', () => {
  test('LOG7 refuses the eight points of small order in each encoding', () => {
    const y = new Set(TORSION.map((point) => Buffer.from(encode(point)).toString('hex')));
    expect(y.size).toBe(8);
    for (const point of TORSION) {
      const encoded = encode(point);
      expect(isStrictPoint(encoded)).toBe(false);
      encoded[31] = (encoded[31] ?? 0) ^ 0x80;
      expect(isStrictPoint(encoded)).toBe(false);
    }
  });

  test('LOG7 takes y up to p - 2 and S up to L - 1, no further', () => {
    const y = (last: number): Bytes =>
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? last : i === 31 ? 0x7f : 0xff));
    expect(isStrictPoint(y(0xeb))).toBe(true);
    for (let last = 0xec; last < 256; last++) expect(isStrictPoint(y(last))).toBe(false);
    const order = bytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
    const good = seedToWriterKey(bytesOf('strict'));
    const r = good.publicKey;
    const below = order.slice();
    below[0] = 0xec;
    expect([isStrictSignature(r, concat(r, below)), isStrictSignature(r, concat(r, order))]).toEqual([true, false]);
  });
});

describe('writer keys', () => {
  const message = headMessage(SPACE_HASH, bytesOf('id'));

  async function expectKey(key: WriterKey): Promise<void> {
    const signature = await key.sign(message);
    expect([key.publicKey.length, signature.length]).toEqual([32, 64]);
    expect([key.publicKey.constructor, signature.constructor]).toEqual([Uint8Array, Uint8Array]);
    for (const crypto of Object.values(ENGINES)) {
      expect(await verifySignature(crypto, key.publicKey, message, signature)).toBe(true);
      expect(await verifySignature(crypto, key.publicKey, concat(message, Uint8Array.of(0)), signature)).toBe(false);
    }
  }

  test('LOG7 a key of every engine signs what every engine verifies', async () => {
    await expectKey(seedToWriterKey(generateWriterSeed()));
    await expectKey(seedToNobleWriterKey(generateNobleSeed()));
    await expectKey(await pairToWriterKey(await generateWriterKeyPair()));
  });

  test('LOG7 one seed is one key in Node and in the fallback, and signs the same bytes', async () => {
    const seed = bytesOf('a seed');
    const [node, noble] = [seedToWriterKey(seed), seedToNobleWriterKey(seed)];
    expect(noble.publicKey).toEqual(node.publicKey);
    expect(await noble.sign(message)).toEqual(await node.sign(message));
    expect(() => seedToWriterKey(seed.slice(1))).toThrow('32 bytes');
  });

  test('LOG7 the first test vectors of RFC 8032 come out', async () => {
    const seed = bytes('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
    const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
    const signature =
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
    for (const key of [seedToWriterKey(seed), seedToNobleWriterKey(seed)]) {
      expect(Buffer.from(key.publicKey).toString('hex')).toBe(publicKey);
      expect(Buffer.from(await key.sign(new Uint8Array(0))).toString('hex')).toBe(signature);
    }
  });

  test("LOG7 a browser's private key cannot be read, and the pair survives being stored", async () => {
    const pair = structuredClone(await generateWriterKeyPair());
    expect(pair.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow();
    await expectKey(await pairToWriterKey(pair));
  });

  test('LOG7 an engine with Ed25519 is recognised', async () => {
    expect(await hasEd25519()).toBe(true);
  });
});
