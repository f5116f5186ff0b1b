import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../core/log/bytes.ts';
import { fromHex, toHex } from '../../core/log/bytes.ts';
import { decodeHeader, encodeHeader } from '../../core/log/header.ts';
import { decodeRun, encodeRun } from '../../core/log/run-codec.ts';
import { verifyRun } from '../../core/log/run-verify.ts';
import { verifySignature } from '../../core/log/signature.ts';
import { createNodeCrypto } from '../../server/crypto/node-crypto.ts';
import { generateVectors } from './generate.ts';
import type { BodyVector, HeaderVector, RunVectors } from './log-vectors.ts';
import type { SignatureVector } from './signature-vectors.ts';

const headers = read('headers.json') as readonly HeaderVector[];
const bodies = read('bodies.json') as readonly BodyVector[];
const runs = read('runs.json') as RunVectors;
const signatures = read('signatures.json') as readonly SignatureVector[];

function read(name: string): unknown {
  return JSON.parse(readText(name));
}

function readText(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function bytes(hex: string): Bytes {
  const decoded = fromHex(hex);
  if (decoded === undefined) throw new Error(`no hexadecimal: ${hex}`);
  return decoded;
}

/** SHA-256 as the rules write it: of a text's bytes and of hexadecimal, joined. Made of nothing from core. */
function sha256(domain: string, ...hex: readonly string[]): string {
  return createHash('sha256')
    .update(domain, 'utf8')
    .update(Buffer.from(hex.join(''), 'hex'))
    .digest('hex');
}

function number(value: number, size: number): string {
  return BigInt(value)
    .toString(16)
    .padStart(size * 2, '0');
}

test.each(['headers.json', 'bodies.json', 'runs.json', 'signatures.json'])(
  'LOG1 LOG5 the code still makes every byte of %s',
  async (name) => {
    expect(
      (await generateVectors())[name] === readText(name),
      `${name} differs: stored logs would no longer verify`,
    ).toBe(true);
  },
);

describe('the rules, written out a second time', () => {
  test.each(headers)('LOG1 header: $name', (vector) => {
    const expected =
      '01' +
      number(vector.kind, 1) +
      number(vector.flags, 2) +
      number(vector.bodyBytes, 4) +
      number(vector.sequence, 8) +
      number(vector.lamport, 8) +
      number(vector.clock, 8) +
      vector.log +
      vector.previous +
      vector.bodyHash;
    expect(vector.header).toBe(expected);
    expect(vector.header.length).toBe(256);
    const decoded = decodeHeader(bytes(vector.header));
    if (typeof decoded === 'string') throw new Error(decoded);
    expect(toHex(encodeHeader(decoded))).toBe(vector.header);
  });

  test.each(headers)('LOG2 id: $name', (vector) => {
    expect(vector.id).toBe(sha256('wakelog/entry/1', vector.header));
  });

  test.each(bodies)('LOG3 body: $name', ({ flags, parts, bodyBytes, bodyHash }) => {
    const hashes = parts.map(({ salt, bytes }) => sha256('wakelog/part/1', salt, bytes));
    expect(parts.map(({ hash }) => hash)).toEqual(hashes);
    const textBytes = parts.reduce((total, part) => total + part.bytes.length / 2, 0);
    const [first] = parts;
    const whole = parts.length === 1;
    expect(flags).toBe(whole ? 0 : 2);
    expect(bodyBytes).toBe(whole ? textBytes : textBytes + 33 * parts.length);
    expect(bodyHash).toBe(
      whole ? sha256('wakelog/body/1', first?.salt ?? '', first?.bytes ?? '') : sha256('wakelog/body/1', ...hashes),
    );
  });

  test.each(runs.runs)('LOG4 LOG6 one signature, over the last id: $name', (vector) => {
    const signed = Buffer.concat([
      Buffer.from('wakelog/head/1'),
      createHash('sha256').update(runs.space).digest(),
      Buffer.from(vector.ids.at(-1) ?? '', 'hex'),
    ]);
    expect(vector.signed).toBe(signed.toString('hex'));
    const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(runs.seed, 'hex')]);
    const key = createPublicKey(createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' }));
    expect(key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')).toBe(runs.publicKey);
    const wire = Buffer.from(vector.bytes, 'hex');
    expect(wire.subarray(1, 33).toString('hex')).toBe(runs.publicKey);
    expect(verify(null, signed, key, wire.subarray(-64))).toBe(true);
  });

  test('LOG2 LOG3 LOG5 the first run, read byte by byte', () => {
    const [open] = runs.runs;
    const clock = 1_700_000_000_000n * 2n;
    const body = Buffer.from('{"device":"d"}').toString('hex');
    const salt = open?.bytes.slice(-(64 + 14 + 16) * 2, -(64 + 14) * 2) ?? '';
    const start = ['01', runs.publicKey, '00', '01', '04', '01', '01', varint(clock), '0e', salt, body].join('');
    expect(open?.bytes.slice(0, -128)).toBe(start);
    const header =
      '01' +
      '01' +
      '0000' +
      number(14, 4) +
      number(0, 8) +
      number(1, 8) +
      number(1_700_000_000_000, 8) +
      runs.publicKey +
      '00'.repeat(32) +
      sha256('wakelog/body/1', salt, body);
    expect(open?.ids).toEqual([sha256('wakelog/entry/1', header)]);
  });
});

describe('what the vectors mean', () => {
  const crypto = createNodeCrypto();

  test.each(runs.runs)('LOG8 run: $name', async ({ bytes: wire, ids }) => {
    const verified = await verifyRun(crypto, bytes(runs.spaceHash), bytes(wire));
    if (typeof verified === 'string') throw new Error(verified);
    expect(verified.ids.map(toHex)).toEqual(ids);
    const decoded = decodeRun(bytes(wire));
    if (typeof decoded === 'string') throw new Error(decoded);
    expect(toHex(encodeRun(decoded))).toBe(wire);
  });

  test('LOG7 every signature has the verdict that was written down', async () => {
    for (const { name, publicKey, message, signature, valid } of signatures) {
      expect(await verifySignature(crypto, bytes(publicKey), bytes(message), bytes(signature)), name).toBe(valid);
    }
  });

  test('LOG7 the verdicts are the ones that the cases were made for', () => {
    const good = /^honest|cancelled out( only modulo L)?$/;
    const wrongForm = /of small order|with y = |^S \+|^S = L$|^S of all ones|last byte set$|^no |a byte (short|long)$/;
    for (const { name, strict, valid } of signatures) {
      expect(valid, name).toBe(good.test(name));
      if (wrongForm.test(name)) expect(strict, name).toBe(false);
      if (/^torsion|^honest/.test(name)) expect(strict, name).toBe(true);
    }
    expect(signatures.filter(({ name }) => wrongForm.test(name)).length).toBeGreaterThan(120);
    expect(signatures.filter(({ name }) => good.test(name)).length).toBeGreaterThan(100);
    expect(new Set(signatures.map(({ name }) => name)).size).toBe(signatures.length);
  });
});

function varint(value: bigint): string {
  const low = (value & 0x7fn) | (value >= 0x80n ? 0x80n : 0n);
  return low.toString(16).padStart(2, '0') + (value >= 0x80n ? varint(value >> 7n) : '');
}
