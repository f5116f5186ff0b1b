import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface SelfSigned {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** Base64 SHA-256 of the public key, for Chromium's `--ignore-certificate-errors-spki-list`. */
  readonly spkiHash: string;
}

const ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';
const DNS_NAME = 0x82;
const HOUR_MS = 3_600_000;

/**
 * A P-256 certificate for one DNS name, valid for two days. node:crypto makes keys and signatures but no certificates, and
 * the openssl program is not on every machine, so the few X.509 fields (RFC 5280 §4.1) are written here in DER.
 */
export function selfSigned(dnsName: string): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = sequence(hex(ECDSA_WITH_SHA256));
  const name = sequence(der(0x31, sequence(hex(COMMON_NAME), der(0x0c, Buffer.from(dnsName)))));
  const altNames = sequence(der(DNS_NAME, Buffer.from(dnsName)));
  const toBeSigned = sequence(
    der(0xa0, hex('020102')), // version 3
    der(0x02, Buffer.from([0x01]), randomBytes(8)), // serial, positive
    algorithm,
    name,
    sequence(utcTime(Date.now() - HOUR_MS), utcTime(Date.now() + 48 * HOUR_MS)),
    name,
    spki,
    der(0xa3, sequence(sequence(hex(SUBJECT_ALT_NAME), der(0x04, altNames)))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
    spkiHash: createHash('sha256').update(spki).digest('base64'),
  };
}

function sequence(...contents: Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = hex(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'));
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
