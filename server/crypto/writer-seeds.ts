import type { Bytes } from '../../core/log/bytes.ts';
import type { WriterKey } from '../../core/log/crypto.ts';

/** How writer keys are made of what is stored of them. */
export interface WriterSeeds {
  /** A new private key as the 32 bytes that are stored. Whoever reads them can write the log. */
  readonly generate: () => Bytes;
  readonly toKey: (seed: Bytes) => WriterKey;
}
