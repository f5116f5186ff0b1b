import { createDiskGate } from '../../simulation/server/disk-gate.ts';
import { createJournal } from '../../simulation/server/journal.ts';
import { createJournalDatabase } from '../../simulation/server/journal-database.ts';
import { createRandom } from '../../simulation/world/random.ts';
import type { ContractEngine } from '../contract.ts';
import { nodeCrypto } from './node-crypto.ts';

/** The simulator's engine, here outside of a world and on Node's own event loop: each opening is another program's. */
export const journalEngine: ContractEngine = {
  ...nodeCrypto,
  create: async (room) => {
    const random = createRandom(1);
    const gate = createDiskGate((_delayMs, _label, task) => void setImmediate(task), random);
    const journal = createJournal(() => 0, random);
    const database = createJournalDatabase({
      journal,
      gate,
      random: random.next,
      ...(room === 'small' ? { maxBytes: 4_500_000 } : {}),
    });
    return {
      open: async () => database.connect().space('contract'),
      remove: async () => undefined,
    };
  },
};
