import { PageError } from '../../../client/page-error.ts';
import type { SimTab } from '../browser/sim-tab.ts';
import { valueOf } from '../checks/ledger.ts';
import type { Fault, Scale } from '../plan/plan.ts';
import { applyFault } from '../universe/apply-fault.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { createUniverse } from '../universe/universe.ts';
import { CAPTURED } from '../workload/user.ts';

/** A small world whose people do as they are told, and the disk of which calls are to fail. */
export interface Stage {
  readonly universe: Universe;
  readonly machine: (number: number) => Machine;
  /** Lets virtual time pass; ends at once when an invariant broke. */
  readonly pass: (ms: number) => Promise<void>;
  /** The tab that is open on a machine, or a new one. */
  readonly tab: (number: number) => SimTab;
  /** Somebody puts keys, each with so many characters besides; what they are told is in the ledger. */
  readonly put: (tab: SimTab, keys: readonly string[], fill?: number) => void;
  /** A request that the worker captures, sent again as an app does until it is answered. */
  readonly post: (tab: SimTab) => void;
  /** One fault of a plan, now. */
  readonly strike: (fault: Unplaced<Fault>) => void;
  /** A page asks its worker to sync. */
  readonly sync: (tab: SimTab) => void;
}

type Unplaced<T> = T extends unknown ? Omit<T, 'atMs'> : never;

const SCALE: Scale = {
  browsers: 1,
  accounts: 1,
  spaces: 1,
  keys: 3,
  actionMs: 1_000,
  busyMs: 0,
  hasSync: false,
  updates: 'live',
  push: false,
  validator: false,
  realSignatures: false,
};

export function createStage(seed: number, scale: Partial<Scale>): Stage {
  // A call that fails is a fault as any: nobody counts bytes then.
  const faults: Fault[] = [{ atMs: 0, kind: 'server-disk-error', afterCalls: 0 }];
  const universe = createUniverse({ seed, scale: { ...SCALE, ...scale }, faults }, 0);
  const { world, ledger, machines } = universe;
  let attempts = 0;
  universe.server.start();

  function machine(number: number): Machine {
    const found = machines[number];
    if (found === undefined) throw new Error(`there is no machine ${number}`);
    return found;
  }

  function ask(tab: SimTab, keys: readonly string[]): ReturnType<typeof ledger.ask> {
    return ledger.ask({ scope: tab.scope, machine: tab.browser.name, keys, askedAt: world.now() });
  }

  return {
    universe,
    machine,
    pass: (ms) => world.run(world.now() + ms),
    tab(number) {
      const of = machine(number);
      return of.openTabs()[0] ?? of.openTab();
    },
    put(tab, keys, fill = 0) {
      const write = ask(tab, keys);
      const writes = keys.map((key) => ({ key, value: valueOf(write, { key, fill: 'x'.repeat(fill) }) }));
      attempts += 1;
      const attempt = `attempt ${attempts}`;
      tab.act(async (page) => {
        try {
          await page.ask('append', { ...tab.scope, attempt, drafts: [{ writes }] });
          write.acknowledgedAt = world.now();
        } catch (error) {
          if (!(error instanceof PageError)) throw error;
          // Of these two nobody knows what became of it; all others say that nothing was taken.
          write.refused = error.code !== 'busy' && error.code !== 'internal';
        }
      });
    },
    post(tab) {
      const write = ask(tab, []);
      attempts += 1;
      const headers = { 'content-type': 'application/json', 'idempotency-key': `attempt-${attempts}` };
      const body = JSON.stringify(valueOf(write, { key: '', fill: '' }));
      tab.act(async (page) => {
        for (let i = 0; i < 4; i++) {
          const answer = await page.fetch({ method: 'POST', path: CAPTURED, headers, body }).catch(() => undefined);
          if (answer?.status === 201) write.acknowledgedAt = world.now();
          if (answer?.status === 507) write.refused = true;
          if (answer !== undefined && answer.status < 500) return;
        }
      });
    },
    strike(fault) {
      const placed = { ...fault, atMs: world.now() } as Fault;
      faults.push(placed);
      applyFault(universe, placed);
    },
    sync: (tab) => tab.act(async (page) => void (await page.ask('sync', { ...tab.scope, why: 'call' }))),
  };
}
