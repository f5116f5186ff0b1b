import type { Bytes } from '../../core/log/bytes.ts';
import { concat, toHex, utf8 } from '../../core/log/bytes.ts';
import { isStrictSignature, verifySignature } from '../../core/log/signature.ts';
import { createNodeCrypto } from '../../server/crypto/node-crypto.ts';
import { seedToWriterKey } from '../../server/crypto/node-writer-key.ts';
import { bytesOf } from '../unit/log/test-writer.ts';
import type { SignatureCase } from './edge-signatures.ts';
import {
  cancels,
  decode,
  edgeSignature,
  encode,
  encodeY,
  FIELD,
  givenR,
  L,
  littleEndian,
  scalar,
  smallOrderKey,
  TORSION,
  toNumber,
} from './edge-signatures.ts';

export interface SignatureVector {
  readonly name: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  /** Whether the form is strict; only then the equation is asked. */
  readonly strict: boolean;
  /** The verdict of LOG7. */
  readonly valid: boolean;
}

export async function signatureVectors(): Promise<readonly SignatureVector[]> {
  const crypto = createNodeCrypto();
  const cases = [
    ...honest(),
    ...changed(),
    ...torsionMixes(),
    ...largeS(),
    ...smallOrder(),
    ...notCanonical(),
    ...offCurve(),
    ...lengths(),
  ];
  return Promise.all(
    cases.map(async ({ name, publicKey, message, signature }) => ({
      name,
      publicKey: toHex(publicKey),
      message: toHex(message),
      signature: toHex(signature),
      strict: isStrictSignature(publicKey, signature),
      valid: await verifySignature(crypto, publicKey, message, signature),
    })),
  );
}

function sign(name: string, message: Bytes, seed: Bytes = bytesOf(name)): SignatureCase {
  const key = seedToWriterKey(seed);
  return { name, publicKey: key.publicKey, message, signature: key.sign(message) as Bytes };
}

function honest(): SignatureCase[] {
  const lengths = [0, 1, 2, 31, 32, 63, 64, 78, 127, 128, 1_000];
  return [
    ...lengths.map((length) => sign(`honest, message of ${length} bytes`, bytesOf(`message ${length}`, length))),
    ...Array.from({ length: 8 }, (_, i) => edgeSignature(`honest, by the equation ${i}`, { seed: `honest ${i}` })),
  ];
}

function changed(): SignatureCase[] {
  const { publicKey, message, signature } = sign('changed', utf8('message to change'));
  const other = sign('other', utf8('message to change'));
  const flips = [0, 1, 31, 32, 33, 62, 63].flatMap((at) =>
    [0, 4, 7].map((bit) => ({
      name: `bit ${bit} of signature byte ${at} flipped`,
      publicKey,
      message,
      signature: flip(signature, at, bit),
    })),
  );
  return [
    ...flips,
    ...[0, 15, 31].map((at) => ({
      name: `bit 0 of key byte ${at} flipped`,
      publicKey: flip(publicKey, at, 0),
      message,
      signature,
    })),
    { name: 'sign of x of the key flipped', publicKey: flip(publicKey, 31, 7), message, signature },
    { name: 'bit 0 of the message flipped', publicKey, message: flip(message, 0, 0), signature },
    { name: 'message one byte longer', publicKey, message: concat(message, Uint8Array.of(0)), signature },
    { name: "another's key", publicKey: other.publicKey, message, signature },
    {
      name: 'R of another signature',
      publicKey,
      message,
      signature: concat(other.signature.slice(0, 32), signature.slice(32)),
    },
    { name: 'S zero', publicKey, message, signature: concat(signature.slice(0, 32), new Uint8Array(32)) },
    { name: 'S one', publicKey, message, signature: concat(signature.slice(0, 32), littleEndian(1n)) },
    { name: 'S = L - 1', publicKey, message, signature: concat(signature.slice(0, 32), littleEndian(L - 1n)) },
    { name: 'S negated', publicKey, message, signature: negateS(signature) },
  ];
}

function torsionMixes(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (let a = 0; a < 8; a++) {
    for (let r = 0; r < 8; r++) {
      if (a === 0 && r === 0) continue;
      const mix = { torsionOfA: a, torsionOfR: r };
      const name = `torsion ${a} in A and ${r} in R`;
      cases.push(
        edgeSignature(`${name}, left over`, {
          ...mix,
          seed: `${name} -`,
          until: ({ reduced }) => !cancels(reduced, a, r) || (a === 0 && r === 0),
        }),
      );
      if (a === 0 || r % gcd8(a) !== 0) continue;
      cases.push(
        edgeSignature(`${name}, cancelled out`, {
          ...mix,
          seed: `${name} +`,
          until: ({ reduced }) => cancels(reduced, a, r),
        }),
      );
      // Whoever multiplies A by the hash itself, not modulo L, decides these two the other way round.
      cases.push(
        edgeSignature(`${name}, cancelled out only modulo L`, {
          ...mix,
          seed: `${name} mod`,
          until: ({ wide, reduced }) => cancels(reduced, a, r) && !cancels(wide, a, r),
        }),
        edgeSignature(`${name}, cancelled out only before reduction modulo L`, {
          ...mix,
          seed: `${name} wide`,
          until: ({ wide, reduced }) => !cancels(reduced, a, r) && cancels(wide, a, r),
        }),
      );
    }
  }
  return cases;
}

function largeS(): SignatureCase[] {
  const multiples = [1n, 2n, 3n, 7n, 8n, 14n, 15n].map((timesL) =>
    edgeSignature(`S + ${timesL} L`, { seed: `large ${timesL}`, timesL }),
  );
  const { publicKey, message, signature } = sign('high bits', utf8('high bits of S'));
  const bits = [5, 6, 7].map((bit) => ({
    name: `bit ${bit} of S's last byte set`,
    publicKey,
    message,
    signature: flip(signature, 63, bit),
  }));
  const exact = { name: 'S = L', publicKey, message, signature: concat(signature.slice(0, 32), littleEndian(L)) };
  const largest = {
    name: 'S of all ones',
    publicKey,
    message,
    signature: concat(signature.slice(0, 32), new Uint8Array(32).fill(0xff)),
  };
  return [...multiples, ...bits, exact, largest];
}

function smallOrder(): SignatureCase[] {
  return TORSION.flatMap((point, i) => {
    const order = 8n / BigInt(i === 0 ? 8 : gcd8(i));
    const encoded = encode(point);
    const s = scalar(`both ${i}`);
    return [
      smallOrderKey(`A of small order ${order} (${i}), equation holds`, encoded, order),
      givenR(`R of small order ${order} (${i})`, encoded),
      {
        name: `A and R of small order (${i})`,
        publicKey: encoded,
        message: utf8('both'),
        signature: concat(encoded, new Uint8Array(32)),
      },
      {
        name: `A of small order (${i}), any S`,
        publicKey: encoded,
        message: utf8('any'),
        signature: concat(encode(TORSION[1] ?? point), littleEndian(s)),
      },
    ];
  });
}

function notCanonical(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (let y = 0n; y < 19n; y++) {
    for (const signOfX of [0, 1] as const) {
      const encoded = encodeY(y + FIELD, signOfX);
      cases.push(
        smallOrderKey(`A with y = p + ${y}, sign ${signOfX}`, encoded, 8n),
        givenR(`R with y = p + ${y}, sign ${signOfX}`, encoded),
      );
    }
  }
  for (const [what, y] of [
    ['1', 1n],
    ['-1', FIELD - 1n],
  ] as const) {
    const encoded = encodeY(y, 1);
    cases.push(
      smallOrderKey(`A with y = ${what} and x = -0`, encoded, 2n),
      givenR(`R with y = ${what} and x = -0`, encoded),
    );
  }
  return cases;
}

function offCurve(): SignatureCase[] {
  const { publicKey, message, signature } = sign('off curve', utf8('off the curve'));
  return Array.from({ length: 12 }, (_, i) => bytesOf(`off curve ${i}`))
    .map((bytes) => flip(bytes, 31, 7))
    .flatMap((bytes, i) => {
      const where = decode(bytes) === undefined ? 'off' : 'on';
      return [
        { name: `A ${where} the curve ${i}`, publicKey: bytes, message, signature },
        { name: `R ${where} the curve ${i}`, publicKey, message, signature: concat(bytes, signature.slice(32)) },
      ];
    });
}

function lengths(): SignatureCase[] {
  const { publicKey, message, signature } = sign('lengths', utf8('lengths'));
  const zero = Uint8Array.of(0);
  return [
    { name: 'no signature', publicKey, message, signature: new Uint8Array(0) },
    { name: 'signature a byte short', publicKey, message, signature: signature.slice(0, 63) },
    { name: 'signature a byte long', publicKey, message, signature: concat(signature, zero) },
    { name: 'no key', publicKey: new Uint8Array(0), message, signature },
    { name: 'key a byte short', publicKey: publicKey.slice(0, 31), message, signature },
    { name: 'key a byte long', publicKey: concat(publicKey, zero), message, signature },
  ];
}

function flip(bytes: Bytes, at: number, bit: number): Bytes {
  const flipped = bytes.slice();
  flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
  return flipped;
}

function negateS(signature: Bytes): Bytes {
  return concat(signature.slice(0, 32), littleEndian(L - toNumber(signature.slice(32))));
}

function gcd8(i: number): number {
  return i % 4 === 0 ? 4 : i % 2 === 0 ? 2 : 1;
}
