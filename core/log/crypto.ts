import type { Awaitable, Bytes } from './bytes.ts';

/** A writer's private key, usable and never readable. `publicKey` names the log. */
export interface WriterKey {
  readonly publicKey: Bytes;
  /** The 64-byte Ed25519 signature of a message. */
  readonly sign: (message: Bytes) => Awaitable<Bytes>;
}

/** What `core` needs of cryptography; each environment hands in its own (WebCrypto, node:crypto, the JS fallback). */
export interface Crypto {
  /** Has read `bytes` when it returns, whenever it answers: they may be overwritten at once. */
  readonly sha256: (bytes: Bytes) => Awaitable<Bytes>;
  readonly randomBytes: (length: number) => Bytes;
  /**
   * The cofactorless Ed25519 equation, for inputs that already passed `isStrictSignature`. Whatever a library thinks of
   * other inputs never matters (LOG7).
   */
  readonly verifyEd25519: (publicKey: Bytes, message: Bytes, signature: Bytes) => Awaitable<boolean>;
}
