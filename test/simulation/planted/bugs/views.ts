import type { PlantedBug } from '../bug.ts';

/** Mistakes in what logs mean and how it is kept (core/views). */
export const VIEW_BUGS: readonly PlantedBug[] = [
  {
    name: 'view-ahead-of-its-log-kept',
    file: 'core/views/view-builder.ts',
    find: 'if (checkpoint.version === view.version && checkpoint.setAsides === setAsides && !isAhead) {',
    replace: 'if (checkpoint.version === view.version) {',
    why: 'the log will catch up',
    faults: ['clone-profile', 'kill-browser', 'power-cut'],
  },
  {
    name: 'checkpoint-before-rows',
    file: 'sw/storage/indexeddb-view-store.ts',
    find: "for (const [key, text] of put) putText(tx, 'shards', [view, key], text);",
    replace: `setTimeout(() => {
          writeTransaction(connection, VIEW_STORES, 'relaxed', (later) => {
            for (const [key, text] of put) putText(later, 'shards', [view, key], text);
          }).catch(() => undefined);
        }, 0);`,
    why: 'rows may be written when there is time',
    faults: ['stop-worker', 'kill-browser', 'power-cut'],
  },
  {
    name: 'quick-path-drops-live-versions',
    file: 'core/views/key-value/key-value-view.ts',
    find: 'parents.length === 0 || parents.length !== state.live.length) return undefined;',
    replace: 'parents.length === 0) return undefined;',
    why: 'a write that names a live version takes its place',
  },
  {
    name: 'refusal-before-its-entry-forgotten',
    file: 'core/views/key-value/key-value-view.ts',
    find: 'if (isCopy || refused.has(entryId)) return undefined;',
    replace: 'if (isCopy) return undefined;',
    why: 'nobody refuses an entry before it is there',
  },
  {
    name: 'refused-entries-stay-shown',
    file: 'core/views/key-value/key-value-view.ts',
    find: 'for (const apply of takenBack) apply();',
    replace: '',
    why: 'what was shown is not taken back under the eyes of its reader',
  },
  {
    name: 'displayed-by-arrival',
    file: 'core/views/key-value/key-value-view.ts',
    find: '.toSorted((a, b) => b.version.lamport - a.version.lamport || compareBytes(b.hash, a.hash) || b.version.sequence - a.version.sequence)',
    replace: '.toReversed()',
    why: 'whatever comes last is the latest',
  },
  {
    name: 'sorted-by-wall-clock',
    file: 'core/views/key-value/key-value-view.ts',
    find: 'lamport: entry.lamport, deleted, value',
    replace: 'lamport: entry.clock, deleted, value',
    why: 'the latest is what was written last',
    faults: ['clock-jump'],
  },
  {
    name: 'ties-by-arrival',
    file: 'core/views/key-value/key-value-view.ts',
    find: 'compareBytes(b.hash, a.hash) || b.version.sequence',
    replace: 'b.version.sequence',
    why: 'counters are hardly ever equal',
  },
  {
    name: 'first-copy-to-arrive-counts',
    file: 'core/views/key-value/key-state.ts',
    find: 'if (other === undefined || compareCreation(version, other) < 0) byId.set(version.id, version);',
    replace: 'if (other === undefined) byId.set(version.id, version);',
    why: 'copies are equal',
    faults: ['clone-profile', 'restore-profile'],
  },
  {
    name: 'view-written-over',
    file: 'sw/storage/indexeddb-view-store.ts',
    find: "if ((await readText(tx, 'checkpoints', [view])) !== expected) return false;",
    replace: '',
    why: 'there is one worker',
    faults: ['update-worker'],
  },
  {
    name: 'rows-forgotten-when-a-write-fails',
    file: 'core/views/view-builder.ts',
    find: 'if (!committed) for (const change of changes) change.undo();',
    replace: '',
    why: 'they are written again when they change again',
    faults: ['quota', 'disk-error'],
  },
  {
    name: 'other-live-versions-superseded',
    file: 'core/views/key-value/key-state.ts',
    find: 'live: accepted.filter(({ id }) => !childrenByParent.has(id)),',
    replace: 'live: accepted.filter(({ id, parents }, i) => !childrenByParent.has(id) && (parents.length > 0 || i === accepted.length - 1)),',
    why: 'a first version is a version of the past as soon as there is another',
  },
];
