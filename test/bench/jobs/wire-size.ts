import { createSyncSource } from '../site/sync-source.ts';
import { FULL } from '../workload.ts';
import type { Job } from './job.ts';

/** What the sync protocol sends for 100,000 entries of one device. */
export const wireSize: Job = {
  name: 'wire-size',
  async run(bench) {
    bench.say('wire-size: a device writes 100,000 entries');
    const { wireBytes } = await createSyncSource(bench.site, FULL);
    return [
      {
        name: 'wire-size',
        value: wireBytes / FULL.entries,
        unit: 'bytes/entry',
        limit: null,
        floor: 300,
        goal: 250,
        note: 'bodies of the sync answers, uncompressed; 200 of it are the value itself',
      },
    ];
  },
};
