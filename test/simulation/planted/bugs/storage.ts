import type { PlantedBug } from '../bug.ts';

/** Mistakes in how IndexedDB is used (sw/storage). */
export const STORAGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'pieces-lost',
    file: 'sw/storage/indexeddb-row-store.ts',
    find: 'for (const [i, other] of others.entries()) issue(store.put(other, [log, first, i + 1]));',
    replace: '',
    why: 'runs are small',
  },
  {
    name: 'written-behind-a-torn-end',
    file: 'sw/presence.ts',
    find: 'if (!(await isSameBrowser().catch(() => false))) await room.begin();',
    replace: 'void [isSameBrowser, room];',
    why: 'a browser begins its own files',
    faults: ['kill-browser'],
  },
  {
    name: 'transaction-held-open-over-a-timer',
    file: 'core/log/create-log-store.ts',
    find: 'for (const head of context.heads.values()) await rows.putHead(head);',
    replace: `await new Promise((resolve) => { setTimeout(resolve, 0); });
  for (const head of context.heads.values()) await rows.putHead(head);`,
    why: 'a long loop lets others have a turn',
  },
  {
    name: 'abort-swallowed',
    file: 'sw/storage/indexeddb-transaction.ts',
    find: 'if (failure !== undefined) throw failure;',
    replace: '',
    why: 'every request succeeded',
    faults: ['disk-error', 'quota'],
  },
  {
    name: 'quota-error-counts-as-success',
    file: 'sw/storage/indexeddb-transaction.ts',
    find: 'if (failure !== undefined) throw failure;',
    replace: "if (failure !== undefined && !isNamed(failure, 'QuotaExceededError')) throw failure;",
    why: 'the browser makes room when it must',
    faults: ['quota'],
  },
  {
    name: 'durability-not-passed-on',
    file: 'sw/storage/indexeddb-transaction.ts',
    find: "connection.database.transaction(stores, 'readwrite', { durability })",
    replace: "connection.database.transaction(stores, 'readwrite')",
    why: 'what is committed is committed',
    faults: ['power-cut'],
  },
  {
    name: 'rows-looked-for-too-near',
    file: 'sw/storage/indexeddb-row-store.ts',
    find: 'return Math.max(0, sequence - MAX_RUN_ENTRIES + 1);',
    replace: 'return Math.max(0, sequence - 31);',
    why: 'rows are short, and a small range is read sooner',
  },
];
