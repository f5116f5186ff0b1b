import { createNobleCrypto, generateNobleSeed, seedToNobleWriterKey } from './crypto/noble-crypto.ts';
import { createAlarm } from './events/background-sync.ts';
import { indexedDbStores } from './environment.ts';
import { settingsOfAddress } from './settings.ts';
import { wireWorker } from './start-worker.ts';

// For browsers whose WebCrypto has no Ed25519: the same worker, with signatures in JavaScript.
wireWorker(settingsOfAddress(), {
  stores: indexedDbStores,
  createAlarm,
  cryptography: {
    crypto: createNobleCrypto(),
    generateKey: generateNobleSeed,
    openKey: (stored) => (stored instanceof Uint8Array ? seedToNobleWriterKey(stored) : undefined),
  },
});
