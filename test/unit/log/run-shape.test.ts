import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../../core/log/bytes.ts';
import type { Content } from '../../../core/log/content.ts';
import { eraseContent, hashContent } from '../../../core/log/content.ts';
import { FLAG } from '../../../core/log/header.ts';
import type { Run, RunEntry, VerifiedRun } from '../../../core/log/run.ts';
import { lastSequence } from '../../../core/log/run.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { canMerge, headersOnly, mergeRuns, sliceRun } from '../../../core/log/run-shape.ts';
import { chainIds, verifyRun } from '../../../core/log/run-verify.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { bytesOf, createTestWriter, joined, numbered, SPACE_HASH, verified } from './test-writer.ts';

const crypto = createNodeCrypto();
const writer = createTestWriter();
const runs: readonly VerifiedRun[] = [
  await writer.writeRun(...numbered(4)),
  await writer.writeRun({ parts: [utf8('a'), utf8('b'), utf8('c')] }, { kind: 16, text: 'enrol' }),
  await writer.writeRun(...numbered(7)),
];
const whole = joined(runs);
const ids = await chainIds(crypto, whole);

function refused(run: Run): Promise<boolean> {
  return verifyRun(crypto, SPACE_HASH, encodeRun(run)).then((result) => typeof result === 'string');
}

describe('the shapes of a run', () => {
  test('LOG9 S1.3 any range of it can be verified, and holds the bodies of exactly that range', async () => {
    for (let first = 0; first < ids.length; first++) {
      for (let last = first; last < ids.length; last++) {
        const slice = await verified(await sliceRun(crypto, whole, first, last));
        expect(slice.run.first).toBe(first);
        expect(slice.ids).toEqual(ids.slice(first));
        const held = slice.run.entries.flatMap(({ content }, i) => (content.form === 'body' ? [first + i] : []));
        expect(held).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
      }
    }
  });

  test('LOG9 what a range leaves out is marked as withheld, not as erased', async () => {
    const slice = await sliceRun(crypto, whole, 0, 0);
    expect(slice.entries.map(({ content }) => content.form)).toEqual([
      'body',
      ...Array.from({ length: 12 }, () => 'withheld'),
    ]);
    const erased: RunEntry = {
      ...entryAt(whole, 2),
      content: { form: 'erased', bodyHash: await hashOf(entryAt(whole, 2)) },
    };
    const again = await sliceRun(crypto, { ...whole, entries: whole.entries.with(2, erased) }, 0, 0);
    expect(again.entries[2]?.content.form).toBe('erased');
    expect((await headersOnly(crypto, whole)).entries.every(({ content }) => content.form === 'withheld')).toBe(true);
  });

  test('LOG4 runs cut anywhere and joined again are one run under the last signature', async () => {
    const [a, b, c] = runs.map(({ run }) => run) as [Run, Run, Run];
    expect(encodeRun(mergeRuns(mergeRuns(a, b), c))).toEqual(encodeRun(whole));
    expect(encodeRun(mergeRuns(a, mergeRuns(b, c)))).toEqual(encodeRun(whole));
    expect((await verified(whole)).ids).toEqual(ids);
    expect([canMerge(a, b), canMerge(b, a), canMerge(a, c), canMerge(a, a)]).toEqual([true, false, false, false]);
  });

  test('LOG4 256 entries are the most that one run takes', async () => {
    const long = createTestWriter('long');
    const built = await long.write(...Array.from({ length: 600 }, () => ({ text: '1' })));
    expect(built.map(({ run }) => run.entries.length)).toEqual([256, 256, 88]);
    const [, b, c] = built.map(({ run }) => run) as [Run, Run, Run];
    expect(canMerge(b, c)).toBe(false);
    expect(canMerge({ ...b, entries: b.entries.slice(0, 168) }, { ...c, first: b.first + 168 })).toBe(true);
    expect(canMerge({ ...b, entries: b.entries.slice(0, 169) }, { ...c, first: b.first + 169 })).toBe(false);
  });

  test('LOG4 a body that fits no common run is a run of its own', async () => {
    const large = createTestWriter('large');
    const built = await large.write({ text: 'x' }, { parts: [new Uint8Array(2 ** 20)] }, { text: 'y' }, { text: 'z' });
    expect(built.map(({ run }) => run.entries.length)).toEqual([1, 1, 2]);
    for (const { bytes } of built) await verified(bytes);
  });

  test('LOG3 LOG8 the chain verifies whatever parts and bodies are erased', async () => {
    const entry = entryAt(whole, 4);
    for (let mask = 1; mask < 8; mask++) {
      let content: Content | undefined = entry.content;
      for (let part = 0; part < 3; part++) {
        if ((mask & (1 << part)) !== 0 && content !== undefined)
          content = await eraseContent(crypto, content, entry.flags, part);
      }
      if (content === undefined) throw new Error('nothing to erase');
      expect(content.form).toBe(mask === 7 ? 'erased' : 'body');
      expect((await verified({ ...whole, entries: whole.entries.with(4, { ...entry, content }) })).ids).toEqual(ids);
    }
    const all = await Promise.all(
      whole.entries.map(async (each): Promise<RunEntry> => ({
        ...each,
        content: (await eraseContent(crypto, each.content, each.flags)) ?? each.content,
      })),
    );
    expect((await verified({ ...whole, entries: all })).ids).toEqual(ids);
  });

  test('LOG3 what is erased is gone, salt included, and is not erased twice', async () => {
    const secret = utf8('a secret that must not stay');
    const { run } = await createTestWriter('secret').writeRun({ parts: [secret] });
    const { content, flags } = entryAt(run, 0);
    const salt =
      content.form === 'body' && content.parts[0] !== undefined && 'salt' in content.parts[0]
        ? content.parts[0].salt
        : utf8('');
    const erased = await eraseContent(crypto, content, flags);
    if (erased === undefined) throw new Error('nothing erased');
    const before = toHex(encodeRun(run));
    const after = toHex(encodeRun({ ...run, entries: [{ ...entryAt(run, 0), content: erased }] }));
    const traces = [toHex(secret), toHex(salt)];
    expect(traces.map((trace) => before.includes(trace))).toEqual([true, true]);
    expect(traces.map((trace) => after.includes(trace))).toEqual([false, false]);
    expect(await eraseContent(crypto, erased, flags)).toBeUndefined();
  });

  test('LOG3 the same body twice has two hashes, since each has its own salt', async () => {
    const { run } = await createTestWriter('twice').writeRun({ text: 'same' }, { text: 'same' });
    expect(await hashOf(entryAt(run, 0))).not.toEqual(await hashOf(entryAt(run, 1)));
  });
});

describe('tampering', () => {
  test('LOG8 S1.9 a changed entry breaks the chain at exactly that entry', async () => {
    const changes: ((entry: RunEntry) => RunEntry)[] = [
      (entry) => ({ ...entry, kind: entry.kind + 1 }),
      (entry) => ({ ...entry, flags: entry.flags ^ FLAG.encrypted }),
      (entry) => ({ ...entry, clock: entry.clock + 1 }),
      (entry) => ({ ...entry, content: { form: 'withheld', bodyHash: bytesOf('another hash') } }),
      (entry) => ({ ...entry, content: { form: 'withheld', bodyHash: bytesOf('x') }, bodyBytes: entry.bodyBytes + 1 }),
    ];
    for (let at = 0; at < ids.length; at++) {
      for (const change of changes) {
        const tampered = { ...whole, entries: whole.entries.with(at, change(entryAt(whole, at))) };
        const chain = await chainIds(crypto, tampered);
        expect(chain.findIndex((id, i) => Buffer.compare(id, ids[i] ?? id) !== 0)).toBe(at);
        expect(await refused(tampered)).toBe(true);
      }
    }
  });

  test('LOG8 S1.9 a removed or moved entry breaks the chain at exactly its place', async () => {
    // Lamport counters far apart, so that nothing but the chain can notice.
    const { run } = await createTestWriter('spaced').writeRun(
      ...numbered(6).map((draft, i) => ({ ...draft, lamport: 10 * (i + 1) })),
    );
    const original = await chainIds(crypto, run);
    for (let at = 0; at < 6; at++) {
      const removed = { ...run, entries: run.entries.toSpliced(at, 1) };
      const chain = await chainIds(crypto, removed);
      if (at < 5) expect(chain.findIndex((id, i) => Buffer.compare(id, original[i] ?? id) !== 0)).toBe(at);
      expect(await refused(removed)).toBe(true);
      if (at > 0) expect(await refused({ ...removed, first: 1, previous: original[0] ?? bytesOf('x') })).toBe(true);
      for (let to = at + 1; to < 6; to++) {
        const lamports = run.entries.map(({ lamport }) => lamport);
        const swapped = run.entries
          .with(at, entryAt(run, to))
          .with(to, entryAt(run, at))
          .map((entry, i) => ({ ...entry, lamport: lamports[i] ?? 0 }));
        const moved = await chainIds(crypto, { ...run, entries: swapped });
        expect(moved.findIndex((id, i) => Buffer.compare(id, original[i] ?? id) !== 0)).toBe(at);
        expect(await refused({ ...run, entries: swapped })).toBe(true);
      }
    }
  });

  test("LOG6 LOG8 a run is refused in another space, in another's name, at another place and behind another entry", async () => {
    const wire = encodeRun(whole);
    expect(await verifyRun(crypto, await hashSpace(crypto, 'another space'), wire)).toBe('bad-signature');
    expect(await refused({ ...whole, log: createTestWriter('somebody else').key.publicKey })).toBe(true);
    const later = await sliceRun(crypto, whole, 4, lastSequence(whole));
    await verified(later);
    expect(await refused({ ...later, first: 5 })).toBe(true);
    expect(await refused({ ...later, previous: bytesOf('another') })).toBe(true);
    expect(await refused({ ...whole, signature: runs[0]?.run.signature ?? whole.signature })).toBe(true);
  });

  test('LOG8 no bytes make the verifier throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (random) => {
        expect(await verifyRun(crypto, SPACE_HASH, random)).toBeTypeOf('string');
      }),
      { numRuns: 3_000 },
    );
  });
});

function entryAt(run: Run, index: number): RunEntry {
  const entry = run.entries[index];
  if (entry === undefined) throw new Error(`no entry ${index}`);
  return entry;
}

function hashOf(entry: RunEntry): ReturnType<typeof hashContent> {
  return hashContent(crypto, entry.content, entry.flags);
}
