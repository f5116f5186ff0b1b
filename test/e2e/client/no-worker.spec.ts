import { expect } from '@playwright/test';

import { playwrightChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import { createPageSite } from './page-site.ts';

// A name that is no loopback name makes an insecure context: no service workers, as on a plain http site.
const NAME = 'plain.example';

test('PAGE7 without service workers: the same API over the server, the script tag leaves the site as it was', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createPageSite(scratch, {
    hosts: [NAME],
    authorize: () => ({ account: 'ann', read: () => true, write: () => true }),
  });
  const args = [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
  const context = scratch.use(await playwrightChromium({ profile: scratch.folder('chromium'), args }), (it) =>
    it.close(),
  );
  const origin = `http://${NAME}:${site.gate.port}`;
  const page = await context.newPage();
  await page.goto(`${origin}/app`);
  expect(await page.evaluate(() => [isSecureContext, 'serviceWorker' in navigator])).toEqual([false, false]);

  const shown = await page.evaluate(async () => {
    const { collection, status, settled, append } = await window.connected;
    const notes = collection<{ title: string; more?: number }>('notes');
    const seen: unknown[] = [];
    notes.subscribe(
      (items) => items !== undefined && seen.push(items.map(({ id, value }) => [id, value.title, value.more])),
    );
    const { id } = await notes.put('1', { title: 'a' });
    await notes.put('2', { title: 'b' });
    await notes.patch('1', { more: 5 });
    await notes.delete('2');
    const twoWrites = append({
      writes: [
        { key: notes.key('3'), value: {} },
        { key: notes.key('4'), value: {} },
      ],
    });
    const refusal = await twoWrites.catch((error: Error & { code: string }) => error.code);
    const parents = await append({ writes: [{ key: notes.key('1'), value: { title: 'lost' }, parents: [id] }] }).catch(
      (error: Error & { code: string }) => error.code,
    );
    return {
      engine: status.getSnapshot().engine,
      connection: status.getSnapshot().connection,
      verdict: await settled(id),
      list: await notes.list(),
      one: await notes.get('1'),
      none: await notes.get('2'),
      refusal,
      parents,
    };
  });
  expect(shown).toMatchObject({
    engine: 'rest',
    connection: 'live',
    verdict: { state: 'accepted' },
    list: [{ id: '1', value: { id: '1', title: 'a', more: 5 }, unsent: false }],
    one: { value: { title: 'a', more: 5 } },
    refusal: 'method-not-allowed',
    parents: 'precondition-failed',
  });
  expect(shown.none).toBeUndefined();

  // Another page writes: this one reads it when it is looked at again.
  await page.evaluate(async () => {
    window.seen = [];
    (await window.connected).collection<{ title: string }>('notes').subscribe((items) => {
      if (items !== undefined) window.seen.push(items.map(({ value }) => value.title));
    });
  });
  const tagPage = await context.newPage();
  await tagPage.goto(origin);
  expect(await tagPage.evaluate('wakelog')).toBeUndefined();
  await expect(tagPage.locator('li')).toHaveText(['a']);
  expect(await tagPage.evaluate(`write('5', 'plain').then(({ status }) => status)`)).toBe(201);
  expect(await tagPage.evaluate('titles()')).toEqual(['a', 'plain']);
  expect(await tagPage.locator('wakelog-ribbon').count()).toBe(0);
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await expect.poll(() => page.evaluate(() => window.seen.at(-1))).toEqual(['a', 'plain']);
});
