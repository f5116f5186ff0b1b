import { describe, expect, test } from 'vitest';
import { decodeRun, encodeRun } from '../../../core/log/run-codec.ts';
import { headersOnly } from '../../../core/log/run-shape.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { giveMissing } from '../../../server/sync/give-runs.ts';
import { SPACE } from '../log/test-writer.ts';
import { createAccountWriter, createResponder } from './responder.ts';

describe('runs that come in pieces', () => {
  test('SYNC8: a body that was withheld at first is judged when it comes', async () => {
    const at = createResponder({ validate: ({ body }) => (JSON.stringify(body.writes).includes('spam') ? { code: 'no', reason: 'spam' } : undefined) });
    const writer = await createAccountWriter('ann');
    const [run] = await writer.write({ text: JSON.stringify({ writes: [['put', 'a', 'spam', []]] }) });
    if (run === undefined) throw new Error('one run');
    const withheld = encodeRun(await headersOnly(createNodeCrypto(), run.run));
    await at.ask({ runs: [writer.opening, withheld] });
    await at.ask({ runs: [run.bytes] });
    await at.spaces.use(SPACE, async ({ replica }) => {
      expect(replica.view.refused().map(({ code }) => code)).toEqual(['no']);
      expect(await replica.view.item('a')).toBeUndefined();
    });
  });

  test('LOG9: an entry whose body comes later is shown when it has come', async () => {
    const at = createResponder();
    const writer = await createAccountWriter('ann');
    const [run] = await writer.write({ text: JSON.stringify({ writes: [['put', 'a', 'late', []]] }) });
    if (run === undefined) throw new Error('one run');
    await at.ask({ runs: [writer.opening, encodeRun(await headersOnly(createNodeCrypto(), run.run))] });
    await at.ask({ runs: [run.bytes] });
    await at.spaces.use(SPACE, async ({ replica }) => {
      expect((await replica.view.item('a'))?.live.map(({ value }) => value)).toEqual(['late']);
    });
  });

  test('SYNC8: runs that do not fit leave no statement behind, however often they come', async () => {
    const at = createResponder({ validate: () => ({ code: 'no', reason: 'never' }) });
    const writer = await createAccountWriter('ann');
    await at.ask({ runs: [writer.opening] });
    await writer.runs({ text: '{"writes":[]}' });
    const far = await writer.runs({ text: '{"writes":[["put","a",1,[]]]}' });
    for (let i = 0; i < 3; i++) expect((await at.ask({ runs: far })).refused[0]?.code).toBe('gap');
    await at.spaces.use(SPACE, async ({ replica }) => {
      expect(replica.view.refused()).toEqual([]);
    });
  });

  test('LOG9 SYNC3: what arrives and is merged while a vector is answered is given with its bodies, or not at all', async () => {
    const at = createResponder();
    const writer = await createAccountWriter('ann');
    await at.ask({ runs: [writer.opening] });
    await at.spaces.use(SPACE, async ({ store }) => {
      const heads: typeof store.heads = async () => {
        const before = await store.heads();
        // So many that rows are merged across the head that was read.
        for (let i = 0; i < 40; i++) await at.ask({ runs: await writer.runs({ text: '{"writes":[]}' }) });
        return before;
      };
      const vector = new Map([['A'.repeat(43), 0]]);
      const { runs } = await giveMissing({ ...store, heads }, vector, [], 1_000_000);
      const given = runs.map(decodeRun).flatMap((run) => (typeof run === 'string' ? [] : run.entries));
      expect(given.length).toBeGreaterThan(1);
      expect(given.filter(({ content }) => content.form === 'withheld')).toEqual([]);
    });
  });
});
