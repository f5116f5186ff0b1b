import { createECDH } from 'node:crypto';
import { fromBase64Url, toBase64Url } from '../../../core/log/bytes.ts';
import type { SimRandom } from '../world/random.ts';

export const PUSH_ORIGIN = 'https://push.sim';

/** What a push service and a browser know of one subscription. */
export interface Registered {
  readonly endpoint: string;
  readonly browser: string;
  /** The server's public key, as the page gave it. */
  readonly serverKey: Uint8Array<ArrayBuffer>;
  readonly keys: { readonly p256dh: string; readonly auth: string };
  isGone: boolean;
}

/** As much of the Push API's PushSubscription as is used. */
export interface SimPushSubscription {
  readonly endpoint: string;
  readonly expirationTime: null;
  readonly options: { readonly userVisibleOnly: true; readonly applicationServerKey: ArrayBuffer };
  readonly getKey: (name: 'p256dh' | 'auth') => ArrayBuffer | null;
  readonly toJSON: () => {
    readonly endpoint: string;
    readonly expirationTime: null;
    readonly keys: Registered['keys'];
  };
  readonly unsubscribe: () => Promise<boolean>;
}

export interface SubscribeOptions {
  readonly userVisibleOnly?: boolean;
  readonly applicationServerKey?: string | ArrayBuffer | ArrayBufferView | null;
}

/** Real keys on the real curve, since servers look; from the seed, since runs are repeated. */
export function register(browser: string, serverKey: Uint8Array<ArrayBuffer>, random: SimRandom): Registered {
  const curve = createECDH('prime256v1');
  const secret = random.bytes(32);
  // Below the curve's order and not zero.
  secret[0] = (secret[0] ?? 0) & 0x7f;
  secret[31] = (secret[31] ?? 0) | 1;
  curve.setPrivateKey(secret);
  return {
    endpoint: `${PUSH_ORIGIN}/${toBase64Url(random.bytes(24))}`,
    browser,
    serverKey,
    keys: { p256dh: toBase64Url(new Uint8Array(curve.getPublicKey())), auth: toBase64Url(random.bytes(16)) },
    isGone: false,
  };
}

export function createSubscription(
  { endpoint, serverKey, keys }: Registered,
  unsubscribe: () => Promise<boolean>,
): SimPushSubscription {
  return {
    endpoint,
    expirationTime: null,
    options: { userVisibleOnly: true, applicationServerKey: serverKey.buffer },
    getKey: (name) => fromBase64Url(keys[name])?.buffer ?? null,
    toJSON: () => ({ endpoint, expirationTime: null, keys }),
    unsubscribe,
  };
}

/** Throws what browsers reject with when it is no key. */
export function readServerKey(key: SubscribeOptions['applicationServerKey']): Uint8Array<ArrayBuffer> {
  const bytes = typeof key === 'string' ? fromBase64Url(key.replace(/=+$/, '')) : toBytes(key);
  if (bytes === undefined || bytes.length !== 65 || bytes[0] !== 4)
    throw new DOMException('the applicationServerKey is not valid', 'InvalidAccessError');
  return bytes;
}

function toBytes(key: ArrayBuffer | ArrayBufferView | null | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (key === null || key === undefined) return undefined;
  if (!ArrayBuffer.isView(key)) return new Uint8Array(key.slice(0));
  return new Uint8Array(key.buffer, key.byteOffset, key.byteLength).slice();
}
