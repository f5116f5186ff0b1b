import { createECDH } from 'node:crypto';
import type { Json } from '../../core/log/body.ts';
import { fromBase64Url } from '../../core/log/bytes.ts';
import { WakelogError } from '../../core/protocol/errors.ts';

/** A browser's push subscription, as its `toJSON()` gives it. */
export interface Subscription {
  readonly endpoint: string;
  /** The browser's P-256 public key, base64url. */
  readonly p256dh: string;
  /** 16 bytes of shared secret, base64url. */
  readonly auth: string;
}

const MAX_ENDPOINT_CHARACTERS = 2_048;
const PUBLIC_KEY_BYTES = 65;
const AUTH_BYTES = 16;

/** Throws `malformed`, or `endpoint-not-allowed` for a push service that is not on the list (PUSH2). */
export function readSubscription(value: Json | undefined, isAllowed: (endpoint: string) => boolean): Subscription {
  const { endpoint, keys } = fieldsOf(value);
  const { p256dh, auth } = fieldsOf(keys);
  const isWhole = typeof endpoint === 'string' && typeof p256dh === 'string' && typeof auth === 'string';
  if (
    !isWhole ||
    endpoint.length > MAX_ENDPOINT_CHARACTERS ||
    !isPublicKey(p256dh) ||
    decode(auth)?.length !== AUTH_BYTES
  ) {
    throw new WakelogError('malformed', 'this is not a push subscription');
  }
  if (!isAllowed(endpoint)) throw new WakelogError('endpoint-not-allowed');
  return { endpoint, p256dh, auth };
}

function fieldsOf(value: Json | undefined): { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : {};
}

/** Whether a message can be encrypted to it: a point of the curve. */
function isPublicKey(text: string): boolean {
  const bytes = decode(text);
  if (bytes?.length !== PUBLIC_KEY_BYTES) return false;
  const ours = createECDH('prime256v1');
  ours.generateKeys();
  try {
    ours.computeSecret(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Browsers differ in padding. */
function decode(text: string): Uint8Array | undefined {
  return fromBase64Url(text.replace(/=+$/, ''));
}
