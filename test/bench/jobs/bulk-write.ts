import { median } from '../report.ts';
import { FULL } from '../workload.ts';
import type { Job } from './job.ts';
import { repeat } from './job.ts';

/** 100,000 entries handed to the engine in one call, until durable and in the view. */
export const bulkWrite: Job = {
  name: 'bulk-write',
  async run(bench) {
    const rawMs: number[] = [];
    const engineMs: number[] = [];
    await repeat(bench, 'bulk-write', async () => {
      rawMs.push(await bench.browser.tell('rawWrite', { name: 'raw-bulk', workload: FULL }));
      engineMs.push(await bench.browser.tell('write', { name: 'bulk', workload: FULL, keep: false }));
    });
    const perSecond = (times: readonly number[]): number => (FULL.entries * 1_000) / median(times);
    return [
      {
        name: 'bulk-write',
        value: perSecond(engineMs),
        unit: 'entries/s',
        limit: perSecond(rawMs),
        floor: 30_000,
        goal: 100_000,
        note: 'one append of 100,000 entries in the worker, signed, strict, view complete (its rows are written behind); raw: the values in packs of 48 KiB, strict',
      },
    ];
  },
};
