import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';

import { launchChromium } from '../../platform/chromium.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { levelDbFolders, tearEnds } from '../../power/browsers/leveldb-log.ts';
import './page-types.ts';
import { createWorkerSite, titlesAt } from './worker-site.ts';

test('LOG22 S1.1 S2.11 Chromium killed within one write, and once more after it wrote on: nothing that was acknowledged is lost', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('chromium');
  const live = async (life: (page: ChromiumPage) => Promise<void>): Promise<void> => {
    const chromium = scratch.use(await launchChromium({ profile }), (it) => it.kill());
    await life(await chromium.page(site.origin));
    await chromium.kill();
  };
  const put = async (page: ChromiumPage, title: string): Promise<void> => {
    const { status } = await page.eval<{ status: number }>(`call('PUT', '/api/tasks/${title}', { title: '${title}' })`);
    expect(status).toBe(201);
  };
  await live(async (page) => {
    await page.eval('controlled');
    await page.until(`caches.match('/app.js').then((kept) => kept !== undefined)`);
    await site.gate.set('refuse');
    await put(page, 'first');
  });
  tearEnds(profile);
  await live((page) => put(page, 'second'));
  await live(async (page) => {
    await put(page, 'third');
    expect(await page.eval('wakelog.then(({ status }) => status.getSnapshot().setback ?? null)')).toBeNull();
    await site.gate.set('pass');
    await page.eval(`dispatchEvent(new Event('focus')); true`);
    const device = await site.device();
    await expect.poll(() => titlesAt(device), { timeout: 30_000 }).toEqual(['first', 'second', 'third']);
  });
});

test('LOG23 S1.1 S2.12 Chromium begins another log between two appends of a device that writes much, and never in the middle of one', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const profile = scratch.folder('chromium');
  const chromium = scratch.use(await launchChromium({ profile }), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval('controlled');
  const written = await page.eval<number>(`(async () => {
    const title = 'x'.repeat(50_000);
    for (let i = 0; i < 150; i++) if ((await call('PUT', '/api/tasks/' + i, { title })).status !== 201) return i;
    return 150;
  })()`);
  expect(written).toBe(150);
  await chromium.kill();
  const told = readFileSync(join(levelDbFolders(profile)[0] ?? '', 'LOG'), 'utf8');
  const begun = [...told.matchAll(/Level-0 table #\d+: started/g)].length;
  // Of a database that is deleted all versions are compacted; what goes on from there names others.
  const asked = [...told.matchAll(/Manual compaction at level-0 from .* @ 72057594037927935 :/g)].length;
  // 7.5 MB of titles, each twice and more: in the log, and in the view.
  expect(begun).toBeGreaterThan(4);
  expect(asked).toBe(begun);
});
