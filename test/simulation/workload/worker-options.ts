import type { WorkerCrypto } from '../../../sw/account-store.ts';
import type { WorkerOptions } from '../../../sw/options.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import type { SimRandom } from '../world/random.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import { createSimCrypto } from '../world/sim-crypto.ts';
import { CAPTURED } from './user.ts';

export const ORIGIN = 'https://site.sim';

/** What the site's worker is told by its address. */
export function workerOptions(space: string): WorkerOptions {
  return {
    space,
    capture: [CAPTURED],
    shell: false,
    notification: { title: 'site', body: 'New updates: {count}' },
    mount: '/wakelog',
  };
}

/** Cheap signatures, or Ed25519 itself with the simulation's lots; one for all programs of a run. */
export function cryptographyOf(random: SimRandom, real: boolean): SimCrypto {
  const cheap = createSimCrypto(random);
  if (!real) return cheap;
  return { ...cheap, crypto: { ...createNodeCrypto(), randomBytes: cheap.crypto.randomBytes }, seedToWriterKey };
}

/** The same as a worker has it: a key is stored as its seed. */
export function workerCryptography({ crypto, newSeed, seedToWriterKey: toKey }: SimCrypto): WorkerCrypto {
  return {
    crypto,
    generateKey: newSeed,
    openKey: (stored) => (stored instanceof Uint8Array ? toKey(stored) : undefined),
  };
}
