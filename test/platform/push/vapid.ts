import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

const MAX_LIFE_SEC = 24 * 3600;
const CLOCK_SLACK_SEC = 60;

/**
 * What a push service finds wrong with an Authorization header (RFC 8292), or null: the `vapid` scheme, `k` equal to the key
 * the subscription was made with, an ES256 signature by it, `aud` one of `audiences`, `exp` within 24 hours.
 */
export function vapidRefusal(
  authorization: string | undefined,
  key: string,
  audiences: readonly string[],
): Refusal | null {
  const fields = /^vapid\s+(.+)$/i.exec(authorization ?? '')?.[1];
  if (fields === undefined) return { status: 401, reason: 'no vapid authorization' };
  const { t, k } = Object.fromEntries(fields.split(',').map(nameAndValue)) as { t?: string; k?: string };
  if (k !== key) return { status: 403, reason: 'not the key of the subscription' };
  const [header, claims, signature] = (t ?? '').split('.');
  if (header === undefined || claims === undefined || signature === undefined)
    return { status: 401, reason: 'no token' };
  const signed = Buffer.from(`${header}.${claims}`);
  const verifier = { key: publicKey(k), dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', signed, verifier, Buffer.from(signature, 'base64url'))) {
    return { status: 401, reason: 'bad signature' };
  }
  const { aud, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { aud?: string; exp?: number };
  if (!audiences.includes(aud ?? '')) return { status: 401, reason: `wrong audience ${aud}` };
  const lifeSec = (exp ?? 0) - Date.now() / 1000;
  if (lifeSec < 0 || lifeSec > MAX_LIFE_SEC + CLOCK_SLACK_SEC)
    return { status: 401, reason: `bad expiry, ${lifeSec} s` };
  return null;
}

function nameAndValue(field: string): [string, string] {
  const equals = field.indexOf('=');
  return [field.slice(0, equals).trim(), field.slice(equals + 1).trim()];
}

/** An uncompressed P-256 point, as browsers and VAPID write it: 0x04, then 32 bytes of x and 32 of y. */
function publicKey(point: string): KeyObject {
  const bytes = Buffer.from(point, 'base64url');
  const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33, 65)].map((half) => half.toString('base64url')) as [
    string,
    string,
  ];
  return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
}
