import { createServingLogStore } from '../../core/log/create-serving-log-store.ts';
import type { Crypto, WriterKey } from '../../core/log/crypto.ts';
import type { Bytes } from '../../core/log/bytes.ts';
import type { ServingLogStore } from '../../core/log/log-store.ts';
import type { RowStore } from '../../core/log/row-store.ts';
import { hashSpace } from '../../core/log/signature.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import type { TestLog } from './test-log.ts';
import { createTestLog } from './test-log.ts';

/** One storage engine as the suites need it. */
export interface ContractEngine {
  readonly crypto: Crypto;
  readonly createKey: () => Promise<WriterKey>;
  /** An empty database. A small one has room for 1 to 48 MiB of random bytes. */
  readonly create: (room: 'ample' | 'small') => Promise<TestDatabase>;
}

export interface TestDatabase {
  /** Opens it once more: beside those that are open, as another tab would, or after they were closed. */
  readonly open: () => Promise<{ readonly rows: RowStore; readonly views: ViewStore }>;
  readonly remove: () => Promise<void>;
}

/** What a case works with. */
export interface CaseContext {
  readonly crypto: Crypto;
  readonly spaceHash: Bytes;
  readonly createLog: () => Promise<TestLog>;
  readonly openRows: () => Promise<RowStore>;
  readonly openViews: () => Promise<ViewStore>;
  /** Opens the case's database once more and gives it the meaning of a log store. */
  readonly open: () => Promise<ServingLogStore>;
}

export interface ContractCase {
  /** Quotes the rules and rows that it proves. */
  readonly title: string;
  readonly room: 'ample' | 'small';
  readonly run: (context: CaseContext) => Promise<void>;
}

/** A case of the suites. test/unit/spec.test.ts reads its title from this very call. */
export function contractCase(
  title: string,
  run: ContractCase['run'],
  room: ContractCase['room'] = 'ample',
): ContractCase {
  return { title, room, run };
}

/** Runs one case on a database of its own. */
export async function runCase(engine: ContractEngine, { run, room }: ContractCase): Promise<void> {
  const { crypto, createKey } = engine;
  const spaceHash = await hashSpace(crypto, 'contract');
  const database = await engine.create(room);
  const openRows = async (): Promise<RowStore> => (await database.open()).rows;
  try {
    await run({
      crypto,
      spaceHash,
      createLog: async () => createTestLog(crypto, spaceHash, await createKey()),
      openRows,
      openViews: async () => (await database.open()).views,
      open: async () => createServingLogStore(await openRows(), crypto),
    });
  } finally {
    await database.remove();
  }
}
