import type { Connection } from '../../../client/connection.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import { median } from '../report.ts';
import { valueOf } from '../workload.ts';
import type { Job } from './job.ts';
import { repeat } from './job.ts';

const WRITES = 200;
/** Nine of ten writes supersede one. */
const KEYS = 20;

declare global {
  interface Window {
    connecting: Promise<Connection>;
  }
}

/** One write by the page's API at a time: message, append, strict commit, view, hint, and the live query shows it. */
export const localWrite: Job = {
  name: 'local-write',
  async run(bench) {
    // No server: it says for how long nobody need ask again.
    bench.site.route('/wakelog/sync', (_request, response) =>
      response.writeHead(503, { 'retry-after': '100000' }).end(),
    );
    const page = await bench.browser.page('/product');
    await page.eval(() => window.connecting.then(() => true));
    const rawMs: number[] = [];
    const engineMs: number[] = [];
    let run = 0;
    await repeat(bench, 'local-write', async () => {
      run += 1;
      rawMs.push(median(await bench.browser.tell('rawPuts', { count: WRITES })));
      engineMs.push(median(await writeAndWatch(page, run)));
    });
    await page.close();
    return [
      {
        name: 'local-write',
        value: median(engineMs),
        unit: 'ms',
        limit: median(rawMs),
        floor: 4,
        goal: 2,
        note: `p50 of ${WRITES} writes, each from put() in a page until acknowledged and shown by a live query, in the product's own worker, no server; raw: one strict put of 200 B inside a worker, no message`,
      },
    ];
  },
};

async function writeAndWatch(page: ChromiumPage, run: number): Promise<readonly number[]> {
  const values = Array.from({ length: WRITES }, (_, i) => valueOf(run * WRITES + i));
  const times = await page.eval(measureWrites, `run-${run}`, values, KEYS);
  const shown = await page.eval(async (name: string) => {
    const connection = await window.connecting;
    const items = await connection.collection(name).list();
    return { items: items.map(({ id, value }) => ({ id, value })), unsent: (await connection.exportUnsent()).length };
  }, `run-${run}`);
  const expected = Array.from({ length: KEYS }, (_, key) => ({ id: String(key), value: values[WRITES - KEYS + key] }));
  if (JSON.stringify(shown.items) !== JSON.stringify(expected))
    throw new Error('the collection shows other values than were written');
  if (shown.unsent !== run * WRITES) throw new Error(`${shown.unsent} entries are in the log`);
  return times;
}

/** Runs in the page. */
async function measureWrites(name: string, values: readonly unknown[], keys: number): Promise<number[]> {
  const collection = (await window.connecting).collection(name);
  const latest = new Map<string, string>();
  let look = (): void => {};
  const stop = collection.subscribe((items) => {
    for (const { id, value } of items ?? []) latest.set(id, JSON.stringify(value));
    look();
  });
  const times: number[] = [];
  for (const [i, value] of values.entries()) {
    const id = String(i % keys);
    const text = JSON.stringify(value);
    const start = performance.now();
    const visible = new Promise<void>((resolve) => {
      look = () => void (latest.get(id) === text && resolve());
    });
    await Promise.all([collection.put(id, value as never), visible]);
    times.push(performance.now() - start);
  }
  stop();
  return times;
}
