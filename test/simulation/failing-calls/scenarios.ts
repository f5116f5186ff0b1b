import type { Scale } from '../plan/plan.ts';
import type { Stage } from './stage.ts';

/** A short piece of life in which every storage call fails once. */
export interface Scenario {
  readonly name: string;
  /** Whose calls fail: a machine's, by number, or the server's. */
  readonly whose: number | 'server';
  readonly scale: Partial<Scale>;
  /** What happens before calls are counted. */
  readonly before?: (stage: Stage) => Promise<void>;
  readonly play: (stage: Stage) => Promise<void>;
}

const MINUTE_MS = 60_000;

/** So many appends, one by one, each a transaction of its own. */
async function putMany(stage: Stage, number: number, count: number, keys = 5): Promise<void> {
  for (let i = 0; i < count; i++) {
    stage.put(stage.tab(number), [`k/${i % keys}`]);
    await stage.pass(200);
  }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'first contact and writes',
    whose: 0,
    scale: {},
    async play(stage) {
      const tab = stage.tab(0);
      stage.put(tab, ['k/0']);
      await stage.pass(2_000);
      stage.put(tab, ['k/0', 'k/1']);
      await stage.pass(5_000);
    },
  },
  {
    name: 'several tabs and captured requests',
    whose: 0,
    scale: { updates: 'hold' },
    async play(stage) {
      const { machine } = stage;
      const tabs = [machine(0).openTab(), machine(0).openTab(), machine(0).openTab()];
      for (const tab of tabs) {
        stage.put(tab, ['k/0']);
        stage.post(tab);
      }
      await stage.pass(3_000);
      machine(0).browser.stopWorker();
      for (const tab of tabs) stage.post(tab);
      await stage.pass(5_000);
    },
  },
  {
    name: 'catch-up with merged and large rows',
    whose: 1,
    scale: { browsers: 2 },
    async before(stage) {
      await putMany(stage, 0, 40);
      stage.put(stage.tab(0), ['large'], 70_000);
      stage.put(stage.tab(0), ['larger'], 130_000);
      await stage.pass(10_000);
    },
    async play(stage) {
      stage.tab(1);
      await stage.pass(10_000);
      await putMany(stage, 0, 3);
      await putMany(stage, 1, 3);
      stage.put(stage.tab(1), ['large'], 60_000);
      await stage.pass(5_000);
    },
  },
  {
    name: 'many small appends',
    whose: 0,
    scale: {},
    async play(stage) {
      await putMany(stage, 0, 36);
      await stage.pass(5_000);
    },
  },
  {
    name: 'conflicts and a view that is built anew',
    whose: 0,
    scale: { browsers: 2 },
    async before(stage) {
      stage.strike({ kind: 'partition', browser: 0, forMs: 20_000 });
      // Folded before it knows whose statements count: they are folded again then.
      await putMany(stage, 0, 3);
      await putMany(stage, 1, 4);
    },
    async play(stage) {
      await putMany(stage, 0, 2);
      await stage.pass(30_000);
      stage.machine(0).browser.stopWorker();
      stage.put(stage.tab(0), ['k/0']);
      await stage.pass(10_000);
    },
  },
  {
    name: 'two copies of a device, and a new log',
    whose: 0,
    scale: { browsers: 1 },
    async before(stage) {
      await putMany(stage, 0, 3);
      stage.strike({ kind: 'partition', browser: 0, forMs: 15_000 });
      stage.strike({ kind: 'clone-profile', browser: 0 });
      await putMany(stage, 1, 4);
      await stage.pass(5_000);
    },
    async play(stage) {
      await putMany(stage, 0, 3);
      await stage.pass(40_000);
    },
  },
  {
    name: 'a profile that was put back',
    whose: 0,
    scale: {},
    async before(stage) {
      await putMany(stage, 0, 3);
      stage.strike({ kind: 'save-profile', browser: 0 });
      await putMany(stage, 0, 3);
      await stage.pass(5_000);
    },
    async play(stage) {
      stage.strike({ kind: 'restore-profile', browser: 0, downMs: 100, all: false });
      await stage.pass(200);
      await putMany(stage, 0, 3);
      await stage.pass(15_000);
    },
  },
  {
    name: 'a database that the browser emptied',
    whose: 0,
    scale: { browsers: 2 },
    async before(stage) {
      await putMany(stage, 0, 3);
      await putMany(stage, 1, 2);
      await stage.pass(5_000);
    },
    async play(stage) {
      stage.strike({ kind: 'evict', browser: 0 });
      await putMany(stage, 0, 3);
      await stage.pass(20_000);
    },
  },
  {
    name: 'server: takes runs, enrols and refuses',
    whose: 'server',
    scale: { browsers: 2, validator: true },
    async play(stage) {
      await putMany(stage, 0, 6);
      await putMany(stage, 1, 6);
      stage.put(stage.tab(1), ['large'], 60_000);
      await stage.pass(10_000);
    },
  },
  {
    name: 'server: gives by cursor and by vector',
    whose: 'server',
    scale: { browsers: 3 },
    async before(stage) {
      await putMany(stage, 0, 36);
      await putMany(stage, 1, 3);
      await stage.pass(5_000);
    },
    async play(stage) {
      stage.strike({ kind: 'server-kill', downMs: 500 });
      stage.tab(2);
      await stage.pass(5_000);
      // Its cursor is of no use then: vectors.
      stage.strike({ kind: 'evict', browser: 1 });
      await putMany(stage, 1, 2);
      await putMany(stage, 0, 2);
      await stage.pass(10_000);
    },
  },
  {
    name: 'server: a backup that was put back',
    whose: 'server',
    scale: { browsers: 2 },
    async before(stage) {
      await putMany(stage, 0, 3);
      await stage.pass(2_000);
      stage.strike({ kind: 'server-save' });
      await putMany(stage, 0, 3);
      await putMany(stage, 1, 3);
      await stage.pass(5_000);
    },
    async play(stage) {
      stage.strike({ kind: 'server-restore', downMs: 500 });
      await putMany(stage, 0, 3);
      await stage.pass(MINUTE_MS);
    },
  },
];
