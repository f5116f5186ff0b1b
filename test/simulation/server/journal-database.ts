import type { Awaitable } from '../../../core/log/bytes.ts';
import type { Durability, RowStore } from '../../../core/log/row-store.ts';
import { StorageFull } from '../../../core/log/row-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import type { Turns } from '../../../core/engine/turns.ts';
import { createTurns } from '../../../core/engine/turns.ts';
import type { DiskGate } from './disk-gate.ts';
import type { Journal, SpaceAccess, SpaceState, Undo } from './journal.ts';
import { createJournalRowStore } from './journal-row-store.ts';
import { createJournalViewStore } from './journal-view-store.ts';

/** A database on a simulated disk: many spaces, one journal. It outlives the programs that open it. */
export interface JournalDatabase {
  readonly journal: Journal;
  /** One program's way to it: what waits is lost with the program. */
  readonly connect: () => Connection;
  /** From now on it takes no more than so many bytes. */
  readonly setRoom: (bytes: number) => void;
  readonly usedBytes: () => number;
}

export interface Connection {
  readonly space: (name: string) => { readonly rows: RowStore; readonly views: ViewStore };
}

interface Job {
  readonly space: string;
  readonly durability: Durability;
  readonly body: (state: SpaceState, undo: Undo[]) => Awaitable<unknown>;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

const READ_MS = 3;
const COMMIT_MS = 20;
/** How long a commit that is durable may go unanswered: a program that dies then never learns of it. */
const ANSWER_MS = 5;
const ANSWERED_LATE = 0.2;
const MOST_BODIES_AT_ONCE = 128;

export interface JournalDatabaseOptions {
  readonly journal: Journal;
  readonly gate: DiskGate;
  readonly random: () => number;
  readonly maxBytes?: number;
}

export function createJournalDatabase(options: JournalDatabaseOptions): JournalDatabase {
  const { journal } = options;
  let room = options.maxBytes ?? Number.POSITIVE_INFINITY;
  // Bodies last no virtual time. Within their moment they run one by one, reads as well: each sees one committed state.
  const turns = createTurns();

  function usedBytes(): number {
    let bytes = 0;
    for (const name of journal.spaceNames()) bytes += journal.space(name).rows.bytes;
    return bytes;
  }

  async function run({ space, body }: Job, undo: Undo[]): Promise<unknown> {
    const state = journal.space(space);
    const before = state.rows.bytes;
    try {
      const result = await body(state, undo);
      if (state.rows.bytes >= before && room < Number.POSITIVE_INFINITY && usedBytes() > room) throw new StorageFull();
      return result;
    } catch (error) {
      for (const step of undo.toReversed()) step();
      throw error;
    }
  }

  /** One transaction for all of a group; returns how to answer each. */
  async function commit(group: readonly Job[]): Promise<(() => void)[]> {
    const undo: Undo[] = [];
    const answers: (() => void)[] = [];
    for (const job of group) {
      const own: Undo[] = [];
      try {
        const result = (await run(job, own)) as never;
        undo.push(...own);
        answers.push(() => job.resolve(result));
      } catch (error) {
        answers.push(() => job.reject(error));
      }
    }
    journal.addUnsynced(undo);
    if (group.some(({ durability }) => durability === 'strict')) journal.sync();
    return answers;
  }

  return {
    journal,
    connect: () => createConnection({ ...options, turns, commit }),
    setRoom(bytes) {
      room = bytes;
    },
    usedBytes,
  };
}

interface ConnectionParts extends JournalDatabaseOptions {
  readonly turns: Turns;
  readonly commit: (group: readonly Job[]) => Promise<(() => void)[]>;
}

function createConnection({ journal, gate, random, turns, commit }: ConnectionParts): Connection {
  let waiting: Job[] = [];
  /** In the order of their commits. */
  let late: (() => void)[] | undefined;

  function answerInOrder(answers: readonly (() => void)[]): void {
    if (late !== undefined) {
      late.push(...answers);
    } else if (random() < ANSWERED_LATE) {
      late = [...answers];
      gate.later(ANSWER_MS, 'disk answer', () => {
        const all = late ?? [];
        late = undefined;
        for (const tell of all) tell();
      });
    } else {
      for (const tell of answers) tell();
    }
  }

  function flush(): void {
    const group = waiting.slice(0, MOST_BODIES_AT_ONCE);
    waiting = waiting.slice(group.length);
    if (waiting.length > 0) gate.later(COMMIT_MS, 'disk commit', flush);
    void turns(async () => answerInOrder(await commit(group)));
  }

  function read<T>(space: string, body: (state: SpaceState) => Awaitable<T>): Promise<T> {
    const failure = gate.call();
    return new Promise<T>((resolve, reject) => {
      gate.later(READ_MS, 'disk read', () => {
        if (failure === undefined) turns(async () => body(journal.space(space))).then(resolve, reject);
        else reject(failure);
      });
    });
  }

  function write<T>(
    space: string,
    durability: Durability,
    body: (state: SpaceState, undo: Undo[]) => Awaitable<T>,
  ): Promise<T> {
    const failure = gate.call();
    return new Promise<T>((resolve, reject) => {
      if (failure !== undefined) {
        gate.later(COMMIT_MS, 'disk failure', () => reject(failure));
        return;
      }
      // Whatever comes until it is written is written with it.
      if (waiting.length === 0) gate.later(COMMIT_MS, 'disk commit', flush);
      waiting.push({ space, durability, body, resolve, reject });
    });
  }

  return {
    space(name) {
      const access: SpaceAccess = {
        read: (body) => read(name, body),
        write: (durability, body) => write(name, durability, body),
      };
      return { rows: createJournalRowStore(access), views: createJournalViewStore(access) };
    },
  };
}
