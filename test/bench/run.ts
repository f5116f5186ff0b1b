import { writeFileSync } from 'node:fs';
import { bulkWrite } from './jobs/bulk-write.ts';
import { catchUp } from './jobs/catch-up.ts';
import { coldStart } from './jobs/cold-start.ts';
import type { Job } from './jobs/job.ts';
import { localWrite } from './jobs/local-write.ts';
import { wireSize } from './jobs/wire-size.ts';
import { help, readOptions } from './options.ts';
import type { BenchOptions } from './options.ts';
import { createProgress, judge, table } from './report.ts';
import type { Measured } from './report.ts';
import { openBenchBrowser } from './site/bench-browser.ts';
import { createBenchSite } from './site/bench-site.ts';
import { createScratch } from '../platform/parts/scratch.ts';

const JOBS: readonly Job[] = [localWrite, bulkWrite, coldStart, catchUp, wireSize];
const NAMES = JOBS.map(({ name }) => name);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), NAMES);
  if (options.help) {
    console.log(help(NAMES));
    return 0;
  }
  const measured = await measure(options);
  console.log(table(measured));
  const results = measured.map(judge);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  return results.every(({ meetsFloor }) => meetsFloor) ? 0 : 1;
}

async function measure({ runs, only, profile: cpuProfiles }: BenchOptions): Promise<Measured[]> {
  const progress = createProgress(process.stderr);
  const scratch = createScratch();
  try {
    progress.say('building the worker');
    const site = scratch.use(await createBenchSite(), (each) => each.close());
    const profile = scratch.folder('bench');
    const browser = scratch.use(await openBenchBrowser({ profile, origin: site.origin, cpuProfiles }), (each) =>
      each.close(),
    );
    const measured: Measured[] = [];
    for (const job of JOBS) {
      if (only !== undefined && job.name !== only) continue;
      measured.push(...(await job.run({ site, browser, runs, say: progress.say })));
    }
    return measured;
  } finally {
    progress.end();
    await scratch.end();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
