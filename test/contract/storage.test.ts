import 'fake-indexeddb/auto';
import { describe, test } from 'vitest';
import type { ContractCase, ContractEngine } from './contract.ts';
import { runCase } from './contract.ts';
import { fakeIndexedDbEngine } from './engines/fake-indexeddb.ts';
import { journalEngine } from './engines/journal.ts';
import { memoryEngine } from './engines/memory.ts';
import { sqliteEngine } from './engines/sqlite.ts';
import { LOG_STORE_CASES } from './log-store.contract.ts';
import { VIEW_STORE_CASES } from './view-store.contract.ts';

// The same cases run in workers of real browsers: test/e2e/contract/storage.spec.ts.
const ENGINES: Readonly<Record<string, ContractEngine>> = {
  memory: memoryEngine,
  'IndexedDB (fake-indexeddb)': fakeIndexedDbEngine,
  SQLite: sqliteEngine,
  "the simulator's journal": journalEngine,
};
const SUITES: Readonly<Record<string, readonly ContractCase[]>> = {
  'log store': LOG_STORE_CASES,
  'view store': VIEW_STORE_CASES,
};

describe.each(Object.entries(ENGINES))('%s', (_name, engine) => {
  describe.each(Object.entries(SUITES))('%s', (_suite, cases) => {
    for (const contractCase of cases) test(contractCase.title, () => runCase(engine, contractCase));
  });
});
