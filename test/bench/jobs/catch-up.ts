import { median } from '../report.ts';
import { createSyncSource } from '../site/sync-source.ts';
import { FULL } from '../workload.ts';
import type { Job } from './job.ts';
import { repeat } from './job.ts';

/** A new device takes 100,000 entries of another by HTTP sync: downloaded, verified, stored, folded. */
export const catchUp: Job = {
  name: 'catch-up',
  async run(bench) {
    bench.say('catch-up: another device writes 100,000 entries');
    const { mountUrl, urls } = await createSyncSource(bench.site, FULL);
    const rawMs: number[] = [];
    const engineMs: number[] = [];
    await repeat(bench, 'catch-up', async () => {
      rawMs.push(await bench.browser.tell('rawDownload', { urls }));
      engineMs.push(await bench.browser.tell('catchUp', { mountUrl, workload: FULL }));
    });
    return [
      {
        name: 'catch-up',
        value: median(engineMs),
        unit: 'ms',
        limit: median(rawMs),
        floor: 4,
        goal: 2,
        note: 'syncNow until level, every run verified, log stored, view complete (its rows are written behind); answers of the protocol from memory; raw: the same bytes fetched and stored in packs of 48 KiB, relaxed too',
      },
    ];
  },
};
