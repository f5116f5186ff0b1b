import { parseArgs } from 'node:util';
import { createRandom } from '../world/random.ts';
import type { FailingCall, ScenarioResult } from './run-scenario.ts';
import { FAILURE_KINDS, runScenario } from './run-scenario.ts';
import type { Scenario } from './scenarios.ts';
import { SCENARIOS } from './scenarios.ts';

/*
 * `npm run failing-calls`: the Nth storage call fails, for every N, in each of a few short pieces of life, in each way that
 * storage fails. Exit code 1 when something was not whole afterwards, or a group of call
 * sites was not hit.
 *
 *   --scenario text   those with this text in their name      --all N    every N up to here, then a sample (300)
 *   --sample n        so many of the further calls (100)      --from n --to n    these calls only
 *   --kind name       one way to fail only                   --turns         each call in one of the ways, in turn
 */

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: '' },
    all: { type: 'string', default: '300' },
    sample: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '1000000' },
    kind: { type: 'string', default: '' },
    turns: { type: 'boolean', default: false },
  },
});

let playing = '';
/** Nobody waits for it: a browser would write it into its console. */
process.on('unhandledRejection', (error) => failures.push(`${playing}: nobody handled ${error instanceof Error ? (error.stack ?? String(error)) : String(error)}`));

const kinds = FAILURE_KINDS.filter((kind) => kind.includes(values.kind));
const failures: string[] = [];
const hit = new Map<string, number>();
const met = new Set<string>();
let runs = 0;

for (const scenario of SCENARIOS.filter(({ name }) => name.includes(values.scenario))) {
  const calm = await runScenario(scenario);
  note(scenario, undefined, calm);
  for (const site of calm.sites.keys()) met.add(site);
  // Each group of call sites once, whatever is chosen of all calls.
  for (const site of [...calm.sites.keys()].filter((site) => !hit.has(site))) {
    playing = `${scenario.name}, ${site}`;
    note(scenario, { nth: 1, kind: 'UnknownError', site }, await runScenario(scenario, { nth: 1, kind: 'UnknownError', site }));
  }
  const calls = chosenCalls(calm.calls);
  const began = Date.now();
  for (const [i, nth] of calls.entries()) {
    const ways = values.turns ? kinds.slice(i % kinds.length, (i % kinds.length) + 1) : kinds;
    for (const kind of ways) {
      playing = `${scenario.name}, call ${nth}, ${kind}`;
      note(scenario, { nth, kind }, await runScenario(scenario, { nth, kind }));
    }
    if (i % 10 === 9) console.log(`${scenario.name}: ${i + 1} of ${calls.length} calls, ${Math.round((Date.now() - began) / 1000)} s, ${failures.length} failures`);
  }
  console.log(`${scenario.name}: ${calm.calls} calls, ${calls.length} of them failed in ${kinds.length} ways, ${Math.round((Date.now() - began) / 1000)} s`);
}

console.log(`${runs} runs, ${failures.length} failures`);
console.log(`groups of call sites that failed (${hit.size}), and how often:`);
for (const [site, count] of [...hit].toSorted(([a], [b]) => (a < b ? -1 : 1))) console.log(`  ${site}: ${count}`);
const missed = [...met].filter((site) => !hit.has(site)).toSorted();
console.log(`groups that were met and never failed (${missed.length}):`);
for (const site of missed) console.log(`  ${site}`);
for (const failure of failures) console.log(failure);
// The simulated programs of the last run are still there.
process.exit(failures.length === 0 && missed.length === 0 ? 0 : 1);

function chosenCalls(calls: number): number[] {
  const [all, sample, from, to] = [Number(values.all), Number(values.sample), Number(values.from), Number(values.to)];
  const random = createRandom(1, 'calls');
  const further = Math.max(0, calls - all);
  const chosen = new Set(Array.from({ length: Math.min(all, calls) }, (_, i) => i + 1));
  for (let i = 0; i < Math.min(sample, further); i++) chosen.add(all + 1 + random.int(further));
  return [...chosen].filter((nth) => nth >= from && nth <= to).toSorted((a, b) => a - b);
}

function note({ name }: Scenario, failing: FailingCall | undefined, { failure, site }: ScenarioResult): void {
  runs += 1;
  if (site !== undefined) hit.set(site, (hit.get(site) ?? 0) + 1);
  if (failure === undefined) return;
  const where = failing === undefined ? 'nothing failed' : `call ${failing.nth} failed with ${failing.kind}, ${site ?? 'at the server'}`;
  const text = `${name}, ${where}: ${failure.rule} ${failure.text.slice(0, 600)}`;
  failures.push(text);
  console.log(text);
}
