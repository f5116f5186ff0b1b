import type { MergeVerdict } from '../../../core/engine/replica.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { decodeRun } from '../../../core/log/run-codec.ts';
import { logName } from '../../../core/log/version-vector.ts';
import type { Offer } from '../byzantine/intrusions.ts';
import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Universe } from '../universe/universe.ts';
import type { SimRandom } from '../world/random.ts';
import { inspect, openInspector } from './inspect.ts';
import { serverRows } from './rows.ts';

const JURORS = 3;
/** The last ones of the server's; those that lack what came before them are refused by all. */
const MOST_HONEST_RUNS = 300;

/**
 * Whether a run is valid depends on its bytes alone (LOG8): nodes that are offered the same runs, everybody's, in different
 * orders, give each the same verdict, and hold the same entries in the end, those of forked logs apart, of which each
 * has the proof (LOG15).
 */
export async function checkJury(universe: Universe): Promise<void> {
  const { world } = universe;
  const offers = intrusionsOf(world).offers();
  // Honest people's runs are judged in some worlds: there are more of those.
  const judged = [...offers.map((offer) => offer.space), ...(world.seed % 3 === 0 ? universe.machines.map(({ scope }) => scope.space) : [])];
  for (const space of new Set(judged)) {
    const own = offers.filter((offer) => offer.space === space);
    const honest = serverRows(universe, space).runs.map(({ bytes }): Offer => ({ space, bytes, forged: false }));
    const runs = [...own, ...honest.slice(-MOST_HONEST_RUNS)];
    const verdicts: Juror[] = [];
    await inspect(universe, undefined, async () => {
      for (let i = 0; i < JURORS; i++) verdicts.push(await judge(universe, space, runs, world.random.fork(`juror ${space} ${i}`)));
    });
    if (world.failure() === undefined) compare(universe, runs, verdicts);
  }
}

/** What one node came to. */
interface Juror {
  /** Of each run: `valid`, or why its bytes are refused. */
  readonly validity: readonly string[];
  /** `log:floor-sequence:id` of each log that has one history. */
  readonly heads: string;
  readonly forked: ReadonlySet<string>;
}

async function judge(universe: Universe, space: string, runs: readonly Offer[], random: SimRandom): Promise<Juror> {
  const replica = await openInspector(universe, space, createMemoryRowStore(), createMemoryViewStore());
  const validity: string[] = runs.map(() => '');
  // All come again until nothing is new, so that what came before its time is taken in the end.
  for (let isNew = true; isNew;) {
    isNew = false;
    const order = shuffled(runs.map((_, i) => i), random);
    for (let at = 0; at < order.length; ) {
      const some = order.slice(at, at + 1 + random.int(20));
      at += some.length;
      const verdicts = await replica.merge(some.map((i) => (runs[i] as Offer).bytes));
      for (const [j, i] of some.entries()) noteVerdict(universe, validity, i, verdicts[j]);
      isNew ||= verdicts.some(({ kind }) => kind === 'accepted');
    }
  }
  const forked = new Set((await replica.store.forks()).map(({ log }) => log));
  const heads = (await replica.store.heads())
    .filter(({ log }) => !forked.has(log))
    .map(({ log, floor, sequence, id }) => `${log}:${floor}-${sequence}:${toBase64Url(id)}`)
    .toSorted();
  return { validity, heads: heads.join(' '), forked };
}

function noteVerdict({ world }: Universe, validity: string[], i: number, verdict: MergeVerdict | undefined): void {
  const said = verdict?.kind === 'invalid' ? verdict.fault : 'valid';
  if (validity[i] !== '' && validity[i] !== said) world.fail('LOG8', `a run was ${validity[i]} first and ${said} when it came again`);
  validity[i] = said;
}

function compare({ world }: Universe, runs: readonly Offer[], jurors: readonly Juror[]): void {
  const [first] = jurors;
  if (first === undefined) return;
  for (const other of jurors.slice(1)) {
    const differs = first.validity.findIndex((said, i) => said !== other.validity[i]);
    if (differs !== -1) world.fail('LOG8', `one node finds ${describe(runs[differs]?.bytes)} ${first.validity[differs]}, another ${other.validity[differs]}`);
    const forks = (juror: Juror): string => [...juror.forked].toSorted().join(' ');
    if (forks(first) !== forks(other)) world.fail('LOG15', `of the same runs one node proves forks of ${forks(first)}, another of ${forks(other)}`);
    else if (first.heads !== other.heads) world.fail('LOG13', `of the same runs one node holds ${first.heads}, another ${other.heads}`);
  }
}

function describe(bytes: Bytes | undefined): string {
  const run = bytes === undefined ? 'malformed' : decodeRun(bytes);
  return typeof run === 'string' ? 'some bytes' : `a run of ${logName(run.log)} from ${run.first}`;
}

function shuffled<T>(list: readonly T[], random: SimRandom): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}
