import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { generateWriterSeed, seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import type { ContractEngine } from '../contract.ts';

export const nodeCrypto: Pick<ContractEngine, 'crypto' | 'createKey'> = {
  crypto: createNodeCrypto(),
  createKey: async () => seedToWriterKey(generateWriterSeed()),
};
