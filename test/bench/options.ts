import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly runs: number;
  readonly only: string | undefined;
  /** Where to write the results as JSON. */
  readonly json: string | undefined;
  /** A folder for CPU profiles of the worker, one for each measured command. */
  readonly profile: string | undefined;
  readonly help: boolean;
}

export function help(names: readonly string[]): string {
  return `npm run bench -- [options]

Measures the engine in a real service worker of headless Chromium, each job beside the same job done raw in the same run.
Values are 200 bytes of JSON, nine of ten supersede one; figures are medians. Results are checked outside the timed part.

  --only NAME     one job: ${names.join(', ')}
  --runs N        repetitions that medians are taken of; default 5
  --json FILE     also writes [{ name, value, unit, limit, ratio, better, floor, goal, meetsFloor }];
                  limit is the raw figure, ratio = value / limit; floor and goal bound the ratio where the unit is ms, else the value
  --profile DIR   writes CPU profiles of the worker (figures are then slower)
  --help          this text

Exits with 1 when a figure misses its floor.`;
}

/** Throws an explained error for options that are none. */
export function readOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs takes a whole number of at least 1, not ${values.runs}`);
  if (values.only !== undefined && !names.includes(values.only)) {
    throw new Error(`--only takes one of ${names.join(', ')}, not ${values.only}`);
  }
  return { runs, only: values.only, json: values.json, profile: values.profile, help: values.help };
}
