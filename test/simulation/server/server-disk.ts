import type { MemoryRows } from '../../../core/log/memory-row-store.ts';
import type { SqlTransactions } from '../../../server/push/subscription-store.ts';
import type { Files } from '../../../server/spaces/files.ts';
import { presentProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { DiskGate } from './disk-gate.ts';
import { createDiskGate } from './disk-gate.ts';
import type { Backup } from './journal.ts';
import { createJournal } from './journal.ts';
import type { Connection } from './journal-database.ts';
import { createJournalDatabase } from './journal-database.ts';
import { createSimFiles } from './sim-files.ts';
import type { SqlBackup } from './sim-sql.ts';
import { createSimSql } from './sim-sql.ts';

/** A server machine's disk: a database, the server's own tables, and files. It outlives the server's programs. */
export interface ServerDisk extends Pick<DiskGate, 'calls' | 'failNext' | 'disarm' | 'onCall' | 'stall'> {
  /** One program's way to it. */
  readonly connect: () => DiskAccess;
  /** To be called when no program runs any more. */
  readonly powerCut: () => void;
  /** The whole database and, apart, the files. */
  readonly backUp: () => DiskBackup;
  /** `files`: those that lie beside the database are old ones, too, as after a whole machine was restored. */
  readonly restore: (backup: DiskBackup, files: 'kept' | 'restored') => void;
  readonly setRoom: (bytes: number) => void;
  readonly usedBytes: () => number;
  /** Commits that a power cut may take back. */
  readonly unsyncedCommits: () => number;
  /** For checkers: called whenever all that is there would survive a power cut. */
  readonly onSynced: (listener: () => void) => void;
  /** For checkers: a space's rows as they are now, in no time and without a trace. */
  readonly rows: (space: string) => Readonly<MemoryRows>;
  readonly spaceNames: () => readonly string[];
  /** For checkers: the epoch of spaces that were never restored; undefined before the first start. */
  readonly baseEpoch: () => string | undefined;
}

export interface DiskAccess {
  readonly database: Connection;
  readonly tables: SqlTransactions;
  readonly files: Files;
}

export interface DiskBackup {
  readonly database: Backup;
  readonly tables: SqlBackup;
  readonly files: ReadonlyMap<string, string>;
}

export function createServerDisk(world: World, random: SimRandom): ServerDisk {
  const gate = createDiskGate(
    (delayMs, label, task) => void world.after(delayMs, label, task, presentProcess()),
    random.fork('gate'),
  );
  const journal = createJournal(world.now, random.fork('journal'));
  const database = createJournalDatabase({ journal, gate, random: random.fork('database').next });
  const tables = createSimSql(gate);
  const texts = new Map<string, string>();
  return {
    calls: gate.calls,
    failNext: gate.failNext,
    disarm: gate.disarm,
    onCall: gate.onCall,
    stall: gate.stall,
    connect: () => ({ database: database.connect(), tables: tables.connect(), files: createSimFiles(texts, gate) }),
    powerCut: journal.powerCut,
    backUp: () => ({ database: journal.backUp(), tables: tables.backUp(), files: new Map(texts) }),
    restore(backup, files) {
      journal.restore(backup.database);
      tables.restore(backup.tables);
      if (files === 'kept') return;
      texts.clear();
      for (const [path, text] of backup.files) texts.set(path, text);
    },
    setRoom: database.setRoom,
    usedBytes: database.usedBytes,
    unsyncedCommits: journal.unsyncedCommits,
    onSynced: (listener) => void journal.onSynced.add(listener),
    rows: (space) => journal.space(space).rows,
    spaceNames: journal.spaceNames,
    baseEpoch: tables.baseEpoch,
  };
}
