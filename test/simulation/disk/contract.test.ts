import { describe, test } from 'vitest';
import type { ContractCase, ContractEngine } from '../../contract/contract.ts';
import { runCase } from '../../contract/contract.ts';
import { indexedDbEngine } from '../../contract/engines/indexeddb.ts';
import { LOG_STORE_CASES } from '../../contract/log-store.contract.ts';
import { VIEW_STORE_CASES } from '../../contract/view-store.contract.ts';
import { createRandom } from '../world/random.ts';
import { createBrowserDisk } from './browser-disk.ts';
import { createMiniWorld } from './mini-world.ts';

const SUITES: Readonly<Record<string, readonly ContractCase[]>> = {
  'log store': LOG_STORE_CASES,
  'view store': VIEW_STORE_CASES,
};

/** The worker's own storage code on a disk of the simulator. */
const simulatedDisk: ContractEngine = {
  ...indexedDbEngine,
  create: async (room) => {
    const disk = createBrowserDisk({ world: createMiniWorld(), name: 'contract', random: createRandom(1) });
    globalThis.indexedDB = disk.indexedDB;
    if (room === 'small') disk.setQuota(4_500_000);
    return indexedDbEngine.create(room);
  },
};

describe('a simulated disk', () => {
  describe.each(Object.entries(SUITES))('%s', (_suite, cases) => {
    for (const contractCase of cases) test(contractCase.title, () => runCase(simulatedDisk, contractCase));
  });
});
