import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FAULT_KINDS } from '../plan/make-plan.ts';
import type { FaultKind } from '../plan/plan.ts';

export interface RunnerOptions {
  readonly help: boolean;
  /** How many seeds at most. */
  readonly seeds: number;
  /** Real time after which no run is begun. */
  readonly minutes: number;
  readonly from: number;
  /** Only these kinds of faults happen; undefined: whatever each seed draws. An empty list: none. */
  readonly faults: readonly FaultKind[] | undefined;
  /** One seed alone. */
  readonly seed: number | undefined;
  /** Prints the trace. */
  readonly verbose: boolean;
  /** A file with a plan, or a list of them, instead of seeds. */
  readonly plan: string | undefined;
  /** `all`: every plan is run twice; `sample`: one in eight. */
  readonly twice: 'all' | 'sample';
  /** Goes on where the last run with the same options was ended. */
  readonly resume: boolean;
  /** The dose of CI: known bad seeds, then the same ones every time, until so many steps were made. */
  readonly ci: boolean;
  /** Goes on until time is up. */
  readonly soak: boolean;
  /** Does not shrink what failed. */
  readonly asIs: boolean;
  readonly processes: number;
}

export const HELP = `Usage: npm run simulate -- [options]

  --seeds N          as many seeds at most (100; without a limit with --minutes or --soak)
  --minutes N        begin no run after so long
  --from N           the first seed (1)
  --faults a,b       only these kinds of faults; none: no fault at all
  --seed N           one seed
  --plan file.json   a plan, or a list of plans, as a failure prints it
  --verbose          print the trace of each run
  --twice all|sample every run is repeated, and must go the same way (all); or one in eight
  --as-is            do not shrink the plans that fail
  --processes N      as many at once (one a core)
  --ci               known bad seeds, then the same ones every time, until 2,000,000 steps
  --soak             until time is up (30 minutes)
  --resume           go on where the last run of this kind was stopped

Kinds of faults: ${FAULT_KINDS.join(', ')}`;

/** Reads the command line; a text says what is wrong with it. */
export function readOptions(args: readonly string[]): RunnerOptions | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return (error as Error).message;
  }
  const numbers = {
    seeds: values.seeds,
    minutes: values.minutes,
    from: values.from,
    seed: values.seed,
    processes: values.processes,
  };
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && !(Number(value) >= 0)) return `--${name} wants a number, not ${value}`;
  }
  const faults =
    values.faults === undefined ? undefined : values.faults.split(',').filter((kind) => kind !== '' && kind !== 'none');
  const unknown = faults?.find((kind) => !(FAULT_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) return `${unknown} is no kind of fault: ${FAULT_KINDS.join(', ')}`;
  if (values.twice !== undefined && values.twice !== 'all' && values.twice !== 'sample')
    return '--twice wants all or sample';
  const isOpen = values.minutes !== undefined || values.soak || values.ci;
  return {
    help: values.help,
    seeds: Number(values.seeds ?? (isOpen ? Infinity : 100)),
    minutes: Number(values.minutes ?? (values.soak ? 30 : values.ci ? 4 : Infinity)),
    from: Number(values.from ?? 1),
    faults: faults as readonly FaultKind[] | undefined,
    seed: values.seed === undefined ? undefined : Number(values.seed),
    verbose: values.verbose,
    plan: values.plan,
    twice: values.twice ?? 'all',
    resume: values.resume,
    ci: values.ci,
    soak: values.soak,
    asIs: values['as-is'],
    processes: Number(values.processes ?? availableParallelism()),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({
    args: [...args],
    options: {
      seeds: text,
      minutes: text,
      from: text,
      faults: text,
      seed: text,
      plan: text,
      twice: text,
      processes: text,
      verbose: flag,
      resume: flag,
      ci: flag,
      soak: flag,
      'as-is': flag,
      help: { ...flag, short: 'h' },
    },
  }).values;
}
