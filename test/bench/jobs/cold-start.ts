import type { Measured } from '../report.ts';
import { median } from '../report.ts';
import { FULL } from '../workload.ts';
import type { Bench, Job } from './job.ts';
import { repeat } from './job.ts';

const [ENGINE, RAW] = ['cold', 'raw-cold'];

/** A browser just started on a profile with 100,000 entries: from opening the database until something is read. */
export const coldStart: Job = {
  name: 'cold-start',
  async run(bench) {
    bench.say('cold-start: storing 100,000 entries');
    await bench.browser.tell('write', { name: ENGINE, workload: FULL, keep: true });
    await bench.browser.tell('rawKeep', { name: RAW, workload: FULL });
    return [
      await measure(bench, 'one', {
        name: 'cold-first-read',
        floor: 4,
        goal: 2,
        note: 'one item of 10,000 keys, database opened by an engine in a worker of a browser just launched (system file cache warm); raw: one value out of packs, found by key',
      }),
      await measure(bench, 'all', {
        name: 'cold-whole-view',
        floor: 4,
        goal: 1.5,
        note: 'all 10,000 items, in the same way; raw: the same 10,000 values out of packs of 48 KiB, parsed',
      }),
    ];
  },
};

async function measure(
  bench: Bench,
  what: 'one' | 'all',
  about: Pick<Measured, 'name' | 'floor' | 'goal' | 'note'>,
): Promise<Measured> {
  const rawMs: number[] = [];
  const engineMs: number[] = [];
  await repeat(bench, about.name, async () => {
    await bench.browser.relaunch();
    rawMs.push(await bench.browser.tell('rawRead', { name: RAW, workload: FULL, what }));
    await bench.browser.relaunch();
    engineMs.push(await bench.browser.tell('read', { name: ENGINE, workload: FULL, what }));
  });
  return { ...about, value: median(engineMs), unit: 'ms', limit: median(rawMs) };
}
