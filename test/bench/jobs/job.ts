import type { BenchBrowser } from '../site/bench-browser.ts';
import type { BenchSite } from '../site/bench-site.ts';
import type { Measured } from '../report.ts';

export interface Bench {
  readonly site: BenchSite;
  readonly browser: BenchBrowser;
  readonly runs: number;
  /** Says on the progress line what is going on. */
  readonly say: (text: string) => void;
}

/** One row or more of the table. Throws when a result is wrong. */
export interface Job {
  readonly name: string;
  readonly run: (bench: Bench) => Promise<readonly Measured[]>;
}

/** Runs a body so many times, after one that only warms up, and says which. */
export async function repeat(bench: Bench, job: string, body: () => Promise<void>): Promise<void> {
  for (let run = 1; run <= bench.runs; run++) {
    bench.say(`${job}: run ${run} of ${bench.runs}`);
    await body();
  }
}
