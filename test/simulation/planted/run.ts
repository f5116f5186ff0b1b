import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Plan } from '../plan/plan.ts';
import { failureOf } from '../runner/judge.ts';
import type { PlantedBug } from './bug.ts';
import { OPEN_BUGS, PLANTED_BUGS } from './bugs.ts';
import { FOUND_SEEDS } from './found-seeds.ts';
import { seedText, toFoundSeeds, toMarkdown } from './report.ts';
import type { Search } from './search.ts';
import { createChild, searchBug } from './search.ts';

const HELP = `Usage: npm run planted -- [options]

Plants bugs in the production code, one at a time; the simulator has to find each.

  --bug a,b        only these
  --open           those that are not on the list, if there are any
  --seconds 60     CPU time for each
  --processes 2    so many searches at once
  --fresh          no remembered seed is tried
  --table          writes docs/planted-bugs.md
  --hinted         with the faults that matter from the start: to find seeds to remember, not for the report
  --remembered     remembered seeds only: the dose of CI (counts go to the file that WAKELOG_PLANTED_JSON names)
  --remember       writes down which seeds found what
  --help           this text`;

const values = readOptions();

const names = values.bug?.split(',');
const all = [...PLANTED_BUGS, ...OPEN_BUGS];
const unknown = names?.find((name) => !all.some((bug) => bug.name === name));
if (unknown !== undefined) {
  console.error(`${unknown} is no planted bug: ${all.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const bugs = names === undefined ? (values.open ? OPEN_BUGS : PLANTED_BUGS) : all.filter(({ name }) => names.includes(name));
const control = createControl();
const searches = await searchAll(bugs, Number(values.processes));
control.end();
finish(searches);

function readOptions(): ReturnType<typeof parse> {
  try {
    const options = parse();
    if (!options.help) return options;
    console.log(HELP);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

function parse() {
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({
    options: {
      bug: { type: 'string' },
      seconds: { type: 'string', default: '60' },
      processes: { type: 'string', default: '2' },
      fresh: flag,
      hinted: flag,
      open: flag,
      table: flag,
      remembered: flag,
      remember: flag,
      help: flag,
    },
  }).values;
}

async function searchAll(wanted: readonly PlantedBug[], processes: number): Promise<readonly Search[]> {
  const found = new Map<PlantedBug, Search>();
  const waiting = wanted.values();
  const work = async (): Promise<void> => {
    for (const bug of waiting) {
      const search = await searchBug(bug, {
        cpuMs: Number(values.seconds) * 1_000,
        remembered: values.fresh ? undefined : FOUND_SEEDS[bug.name],
        rememberedOnly: values.remembered,
        hinted: values.hinted,
        isBrokenAnyway: control.isBroken,
      });
      found.set(bug, search);
      if (values.remember) writeFileSync(fileURLToPath(new URL('found-seeds.ts', import.meta.url)), toFoundSeeds([...found.values()], FOUND_SEEDS));
      console.log(`${String(found.size).padStart(3)}/${wanted.length} ${describe(search)}`);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return wanted.flatMap((bug) => found.get(bug) ?? []);
}

function describe({ bug, found, cpuMs, runs }: Search): string {
  const how = found === undefined ? 'NOT FOUND' : `${found.rule} by seed ${seedText(found)}: ${found.text}`;
  return `${bug.name}: ${how} (${(cpuMs / 1_000).toFixed(1)} s, ${runs} runs)`;
}

/** Production code without any bug: what fails there too has found nothing. */
function createControl(): { readonly isBroken: (plan: Plan) => Promise<boolean>; readonly end: () => void } {
  const child = createChild();
  const verdicts = new Map<string, Promise<boolean>>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    isBroken(plan) {
      const name = JSON.stringify(plan);
      const known = verdicts.get(name);
      if (known !== undefined) return known;
      const verdict = last.then(async () => failureOf(await child.run(plan)) !== undefined);
      last = verdict;
      verdicts.set(name, verdict);
      return verdict;
    },
    end: child.end,
  };
}

function finish(ended: readonly Search[]): void {
  const missed = ended.filter(({ found }) => found === undefined);
  if (values.table) writeFileSync(fileURLToPath(new URL('../../../docs/planted-bugs.md', import.meta.url)), toMarkdown(ended, { fresh: values.fresh, seconds: Number(values.seconds) }));
  console.log(`${ended.length - missed.length} of ${ended.length} planted bugs found${missed.length === 0 ? '' : `; not found: ${missed.map(({ bug }) => bug.name).join(', ')}`}`);
  const report = process.env['WAKELOG_PLANTED_JSON'];
  if (report !== undefined) writeFileSync(report, JSON.stringify({ passed: ended.length - missed.length, failed: missed.length, skipped: 0 }));
  process.exitCode = missed.length === 0 ? 0 : 1;
}
