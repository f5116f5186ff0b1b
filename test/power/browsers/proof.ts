import { readLogs } from '../../e2e/scenarios/sends-log.ts';
import type { WholeLog } from '../../e2e/scenarios/sends-log.ts';
import { readServerDisk } from '../../e2e/scenarios/sends-site.ts';
import type { AgentItem } from './site/agent.ts';
import type { PageAgent } from './site/agents.ts';
import type { PowerSite } from './site/power-site.ts';
import { COLLECTION, SPACE } from './site/power-site.ts';

/** Items and the ids of the entries that wrote them, as somebody was told. */
export type Told = ReadonlyMap<string, string>;

export interface Comparison {
  /** Told to be safe and not there. */
  readonly lost: readonly string[];
  /** There by another entry than the one that was told, or by more than one. */
  readonly wrong: readonly string[];
}

/** What a page shows against what its writers were told. */
export async function compareView(agent: PageAgent, told: Told): Promise<Comparison> {
  return compareItems(await agent.ask('items', null), told);
}

function compareItems(items: readonly AgentItem[], told: Told): Comparison {
  const entriesByItem = new Map(items.map(({ item, entries }) => [item, entries]));
  const both = [...told].filter(([item]) => entriesByItem.has(item));
  return {
    lost: [...told.keys()].filter((item) => !entriesByItem.has(item)),
    wrong: both.flatMap(([item, entry]) => {
      const entries = entriesByItem.get(item) ?? [];
      return entries.length === 1 && entries[0] === entry ? [] : [`${item}: told ${entry}, shown ${entries.join(' ')}`];
    }),
  };
}

export interface ServerState {
  readonly logs: readonly WholeLog[];
  readonly forks: number;
}

/** All that the server has, verified from the first entry to the last. */
export async function readServer({ reader }: PowerSite): Promise<ServerState> {
  const outcome = await reader.sync();
  if (outcome !== 'level') throw new Error(`the server answers its reader with ${outcome}`);
  const { store } = reader.device.replica;
  return { logs: await readLogs(store, SPACE), forks: (await store.forks()).length };
}

/** The server's own disk, once the site has ended. */
export function readServerAfterwards(dataDir: string): Promise<ServerState> {
  return readServerDisk(dataDir, async ({ store }) => ({
    logs: await readLogs(store, SPACE),
    forks: (await store.forks()).length,
  }));
}

/**
 * What logs hold against what writers were told. A write that was appended again in another log names its first entry, and
 * is one write; two entries of different origin are two.
 */
export function compareLogs({ logs }: ServerState, told: Told): Comparison {
  const namesByItem = namesOf(logs);
  const doubled = [...namesByItem].filter(([, names]) => names.size > 1);
  const both = [...told].filter(([item]) => namesByItem.has(item));
  return {
    lost: [...told.keys()].filter((item) => !namesByItem.has(item)),
    wrong: [
      ...doubled.map(([item, names]) => `${item} was written by ${[...names].join(' and ')}`),
      ...both.flatMap(([item, entry]) =>
        namesByItem.get(item)?.has(entry) === true ? [] : [`${item}: told ${entry}, logged another`],
      ),
    ],
  };
}

/** By item, the names of the writes: ids of the entries that were the first to hold them. */
function namesOf(logs: readonly WholeLog[]): ReadonlyMap<string, ReadonlySet<string>> {
  const namesByItem = new Map<string, Set<string>>();
  for (const { data } of logs) {
    for (const { id, body } of data) {
      for (const [, key] of body.writes) {
        const item = key.slice(COLLECTION.length + 1);
        const names = namesByItem.get(item) ?? new Set<string>();
        namesByItem.set(item, names.add(body.origin ?? id));
      }
    }
  }
  return namesByItem;
}

/** Items that logs hold and that are not to be there. */
export function presentOf({ logs }: ServerState, items: readonly string[]): readonly string[] {
  const present = namesOf(logs);
  return items.filter((item) => present.has(item));
}

export function isClean({ lost, wrong }: Comparison): boolean {
  return lost.length === 0 && wrong.length === 0;
}

/** Something that was told to be safe is not there, or not as it was told. */
export class NotAsTold extends Error {
  readonly comparison: Comparison;
  constructor(where: string, comparison: Comparison) {
    const { lost, wrong } = comparison;
    const some = (list: readonly string[]): string => list.slice(0, 5).join('; ');
    super(`${where}: ${lost.length} lost (${some(lost)}), ${wrong.length} wrong (${some(wrong)})`);
    this.comparison = comparison;
  }
}

/** Throws what is wrong, in a few lines. */
export function demandClean(where: string, comparison: Comparison): void {
  if (!isClean(comparison)) throw new NotAsTold(where, comparison);
}

export function demandEqual<T>(what: string, found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
}
