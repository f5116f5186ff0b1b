import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Figures, PowerJob } from './job.ts';
import { addFigures, NO_FIGURES } from './job.ts';
import type { PowerRunOptions } from './options.ts';
import { help, readOptions } from './options.ts';
import { browserJob } from './browsers/browser-job.ts';
import { sqliteJob } from './server/sqlite-job.ts';

const JOBS: readonly PowerJob[] = [sqliteJob, browserJob('chromium'), browserJob('firefox')];
const STORES = JOBS.map(({ name }) => name);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), STORES);
  if (options.help) {
    console.log(help(STORES));
    return 0;
  }
  const job = JOBS.find(({ name }) => name === options.store);
  if (job === undefined) throw new Error(`there is no store ${options.store}`);
  const figures = await runOn(job, options);
  console.log(summary(job.name, figures));
  const { powerCuts, lost, doubled, control } = figures;
  return lost + doubled === 0 && (powerCuts === 0 || control.lost > 0) ? 0 : 1;
}

/** Runs what earlier runs left of the dose; each progress is kept at once. */
async function runOn(job: PowerJob, options: PowerRunOptions): Promise<Figures> {
  const path =
    options.results ?? fileURLToPath(new URL(`../../node_modules/.cache/power/${job.name}.json`, import.meta.url));
  if (options.fresh) rmSync(path, { force: true });
  const before = readFigures(path);
  const left = {
    powerCuts: leftOf(options.cuts, before.powerCuts),
    kills: leftOf(options.kills, before.kills),
    stops: leftOf(options.stops, before.stops),
  };
  if (left.powerCuts + left.kills + left.stops === 0) return before;
  if (before !== NO_FIGURES) console.error(`goes on from: ${summary(job.name, before)}`);
  // Not the moments of an earlier run once more.
  const seed = options.seed + before.powerCuts + before.kills + before.stops;
  const ran = await job.run({ ...left, seed }, (soFar) => {
    const figures = addFigures(before, soFar);
    keepFigures(path, figures);
    console.error(`${new Date().toISOString()} ${summary(job.name, figures)}`);
  });
  return addFigures(before, ran);
}

function leftOf(wanted: number, done: number): number {
  return Math.max(0, wanted - done);
}

function readFigures(path: string): Figures {
  return existsSync(path) ? { ...NO_FIGURES, ...(JSON.parse(readFileSync(path, 'utf8')) as Figures) } : NO_FIGURES;
}

function keepFigures(path: string, figures: Figures): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(figures, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

function summary(
  name: string,
  { powerCuts, kills, stops, acknowledged, lost, torn, doubled, control }: Figures,
): string {
  return (
    `${name}: ${powerCuts} power cuts, ${kills} kills, ${stops} worker stops, ${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled; ` +
    `${torn} cuts found the browser's store torn; ` +
    `control: ${control.powerCuts} cuts, ${control.acknowledged} acknowledged, ${control.lost} lost`
  );
}

/*
 * Exits by itself: when Node (24.21) ends of its own accord after sockets were reset while they shut down, its clean-up may
 * wait for them for ever, at full speed.
 */
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
