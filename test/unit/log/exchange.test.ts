import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../core/log/bytes.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { isKnownToThisVersion, NO_ENTRY } from '../../../core/log/header.ts';
import type { ServingLogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { Run, RunEntry, VerifiedRun } from '../../../core/log/run.ts';
import { lastSequence } from '../../../core/log/run.ts';
import { buildRuns } from '../../../core/log/run-build.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { verifyRun } from '../../../core/log/run-verify.ts';
import type { LogName, VersionVector } from '../../../core/log/version-vector.ts';
import { logKey, logName, missingRanges } from '../../../core/log/version-vector.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import { bytesOf, createTestWriter, joined, numbered, signRun, SPACE_HASH, verified } from './test-writer.ts';

const crypto = createNodeCrypto();

function createStore(): ServingLogStore {
  return createServingLogStore(createMemoryRowStore(), crypto);
}

async function vectorOf(store: ServingLogStore): Promise<VersionVector> {
  return new Map((await store.heads()).map(({ log, sequence }) => [log, sequence]));
}

/** What one side asks for and the other sends, over the wire and verified. Returns the entries that travelled with bodies. */
async function pull(to: ServingLogStore, from: ServingLogStore): Promise<number> {
  let bodies = 0;
  for (const { log, first, last } of missingRanges(await vectorOf(from), await vectorOf(to))) {
    const runs = await from.range(log, first, last, Number.MAX_SAFE_INTEGER);
    const { verdicts } = await to.merge(await Promise.all(runs.map((run) => verified(encodeRun(run)))));
    expect(verdicts.every(({ kind }) => kind === 'accepted')).toBe(true);
    bodies += runs.flatMap((run) => run.entries).filter(({ content }) => content.form === 'body').length;
  }
  return bodies;
}

function textsOf(runs: readonly Run[]): string[] {
  return runs.flatMap((run) => run.entries.map(textOf));
}

function textOf({ content }: RunEntry): string {
  if (content.form !== 'body') return content.form;
  return content.parts.map((part) => ('bytes' in part ? Buffer.from(part.bytes).toString() : 'erased part')).join('|');
}

function texts(first: number, count: number): { text: string }[] {
  return Array.from({ length: count }, (_, i) => ({ text: `entry ${first + i}` }));
}

describe('one log, many writers of its key', () => {
  test('S1.1 four tabs of 250 appends each make sequences 0 to 999, without gap, duplicate or fork', async () => {
    const rows = createMemoryRowStore();
    const key = seedToWriterKey(bytesOf('shared key'));
    const log = logName(key.publicKey);
    let stale = 0;
    const tab = async (name: string): Promise<void> => {
      const store = createServingLogStore(rows, crypto);
      for (let i = 0; i < 250; i++) {
        for (;;) {
          const head = await store.head(log);
          const end = head ?? { sequence: -1, id: NO_ENTRY };
          const draft = { kind: 0, parts: [utf8(`${name} ${i}`)], lamport: (head?.lamport ?? 0) + 1, clock: 0 };
          if ((await store.extend(await buildRuns(crypto, key, SPACE_HASH, end, [draft]))) !== 'stale') break;
          stale += 1;
        }
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(tab));
    const store = createServingLogStore(rows, crypto);
    const runs = await store.range(log, 0, 2_000, Number.MAX_SAFE_INTEGER);
    for (const run of runs) await verified(encodeRun(run));
    const written = textsOf(runs);
    expect([written.length, new Set(written).size, (await store.heads()).length]).toEqual([1_000, 1_000, 1]);
    for (const name of ['a', 'b', 'c', 'd']) {
      expect(written.filter((text) => text.startsWith(name))).toEqual(
        Array.from({ length: 250 }, (_, i) => `${name} ${i}`),
      );
    }
    expect(await store.forks()).toEqual([]);
    expect(stale, 'the tabs really met').toBeGreaterThan(0);
  });

  test('S1.1 two profiles of one account have two keys, hence two logs', async () => {
    const [a, b] = [createTestWriter('profile a'), createTestWriter('profile b')];
    const store = createStore();
    await store.merge([await a.writeRun(...texts(0, 2)), await b.writeRun(...texts(0, 3))]);
    expect(await vectorOf(store)).toEqual(
      new Map([
        [a.log, 1],
        [b.log, 2],
      ]),
    );
  });
});

describe('what two sides say to each other', () => {
  const writer = createTestWriter('transcripts');
  const log = writer.log;

  async function storeWith(count: number): Promise<ServingLogStore> {
    const store = createStore();
    const fresh = createTestWriter('transcripts');
    const sizes = [1, 7, 100, 255, 3];
    for (let at = 0, i = 0; at < count; i++) {
      const size = Math.min(sizes[i % sizes.length] ?? 1, count - at);
      await store.merge(await fresh.write(...texts(at, size)));
      at += size;
    }
    return store;
  }

  test('S1.3 LOG9 "please send 3201 to 3258" gives those 58 entries, in order, both ends included', async () => {
    const store = await storeWith(3_300);
    const runs = await store.range(log, 3_201, 3_258);
    const held = textsOf(runs).filter((text) => text !== 'withheld');
    expect(held).toEqual(texts(3_201, 58).map(({ text }) => text));
    expect(runs[0]?.first).toBe(3_201);
    for (const run of runs) await verified(encodeRun(run));
    const behind = await storeWith(3_201);
    const { verdicts } = await behind.merge(await Promise.all(runs.map((run) => verified(encodeRun(run)))));
    expect(verdicts[0]).toEqual({ kind: 'accepted', first: 3_201 });
    expect(textsOf(await behind.range(log, 3_250, 3_258)).slice(0, 9)).toEqual(texts(3_250, 9).map(({ text }) => text));
  });

  test('S1.3 LOG9 what was left out of a range comes with a later one, and is then held whole', async () => {
    const store = await storeWith(300);
    const other = createStore();
    for (let first = 0; first < 300; first += 7) {
      const runs = await store.range(log, first, Math.min(299, first + 6));
      await other.merge(await Promise.all(runs.map((run) => verified(encodeRun(run)))));
    }
    expect(textsOf(await other.range(log, 0, 299, Number.MAX_SAFE_INTEGER))).toEqual(
      texts(0, 300).map(({ text }) => text),
    );
  });

  test('S1.4 whoever is ahead sends 3259 and 3260; equal heads send nothing', async () => {
    const [ahead, behind] = [await storeWith(3_261), await storeWith(3_259)];
    expect(missingRanges(await vectorOf(ahead), await vectorOf(behind))).toEqual([{ log, first: 3_259, last: 3_260 }]);
    expect(missingRanges(await vectorOf(behind), await vectorOf(ahead))).toEqual([]);
    expect(await pull(behind, ahead)).toBe(2);
    expect(missingRanges(await vectorOf(ahead), await vectorOf(behind))).toEqual([]);
    expect(await pull(behind, ahead)).toBe(0);
  });

  test('S1.5 LOG5 LOG13 a transfer cut at any byte goes on at the first missing entry; nothing twice, nothing skipped', async () => {
    const source = createTestWriter('cut');
    const sent: VerifiedRun[] = [];
    for (const size of [1, 3, 2, 5, 1]) sent.push(await source.writeRun(...texts(sent.length * 10, size)));
    const full = createStore();
    await full.merge(sent);
    const all = textsOf(await full.range(source.log, 0, 99));
    const wire = Buffer.concat(sent.map(({ bytes }) => bytes));
    let cuts = 0;
    for (let cut = 0; cut <= wire.length; cut++) {
      const receiver = createStore();
      let at = 0;
      for (const { bytes } of sent) {
        const received = await verifyRun(
          crypto,
          SPACE_HASH,
          new Uint8Array(wire.subarray(at, Math.min(cut, at + bytes.length))),
        );
        at += bytes.length;
        if (typeof received === 'string') break;
        await receiver.merge([received]);
      }
      const held = (await receiver.head(source.log))?.sequence ?? -1;
      const whole = sent.filter(
        (_, i) => sent.slice(0, i + 1).reduce((total, { bytes }) => total + bytes.length, 0) <= cut,
      );
      expect(held).toBe(whole.reduce((total, { run }) => total + run.entries.length, -1));
      const bodies = await pull(receiver, full);
      expect(bodies, `cut after ${cut} bytes`).toBe(all.length - held - 1);
      expect(textsOf(await receiver.range(source.log, 0, 99))).toEqual(all);
      cuts += 1;
    }
    expect(cuts).toBe(wire.length + 1);
  });

  test('S1.8 LOG8 a run with a bad signature never becomes one that a store takes', async () => {
    const run = (await createTestWriter('bad').writeRun(...texts(0, 3))).run;
    const signature = run.signature.slice();
    signature[40] = (signature[40] ?? 0) ^ 1;
    expect(await verifyRun(crypto, SPACE_HASH, encodeRun({ ...run, signature }))).toBe('bad-signature');
    const stranger = createTestWriter('stranger').key;
    const stolen = await signRun(stranger, run);
    expect(await verifyRun(crypto, SPACE_HASH, encodeRun({ ...stolen, log: run.log }))).toBe('bad-signature');
  });
});

describe('many logs', () => {
  test.each([1, 10, 300])(
    'S3.1 S3.2 %i logs in one store, each under its own key, each entry under its sequence',
    async (count) => {
      const store = createStore();
      const writers = Array.from({ length: count }, (_, i) => createTestWriter(`log ${i}`));
      for (const round of [0, 1]) {
        await store.merge(
          await Promise.all(writers.map((writer, i) => writer.writeRun(...texts(1_000 * i + 2 * round, 2)))),
        );
      }
      const heads = await store.heads();
      expect(heads.map(({ log, sequence }) => `${log} ${sequence}`).toSorted()).toEqual(
        writers.map(({ log }) => `${log} 3`).toSorted(),
      );
      const keys = new Map(writers.map(({ log, key }) => [log, key.publicKey]));
      for (const [i, { log }] of writers.entries()) {
        expect(logKey(log)).toEqual(keys.get(log));
        const runs = await store.range(log, 0, 3);
        expect(textsOf(runs)).toEqual(texts(1_000 * i, 4).map(({ text }) => text));
        for (const run of runs) {
          await verified(encodeRun(run));
          const other = writers[(i + 1) % count];
          if (count > 1 && other !== undefined) {
            expect(await verifyRun(crypto, SPACE_HASH, encodeRun({ ...run, log: other.key.publicKey }))).toBe(
              'bad-signature',
            );
          }
        }
      }
    },
  );

  test('S3.1 no way of appending changes or removes an entry', async () => {
    const store = createStore();
    const writer = createTestWriter('kept');
    const [first, second] = [await writer.writeRun(...texts(0, 3)), await writer.writeRun(...texts(3, 3))];
    await store.merge([first, second]);
    const other = createTestWriter('kept', { ...crypto });
    const [otherFirst, otherSecond] = [await other.writeRun(...texts(100, 3)), await other.writeRun(...texts(103, 9))];
    const before = textsOf(await store.range(writer.log, 0, 99));
    const id = await store.entryId(writer.log, 2);
    for (const runs of [
      [otherFirst],
      [otherSecond],
      [otherFirst, otherSecond],
      [await verified(joined([otherFirst, otherSecond]))],
      [first],
    ]) {
      await store.merge(runs);
      expect(await store.extend(runs)).toBe('stale');
      expect(textsOf(await store.range(writer.log, 0, 99))).toEqual(before);
      expect(await store.entryId(writer.log, 2)).toEqual(id);
    }
  });

  test('S3.2 a name is a key and nothing else', () => {
    const key = bytesOf('a name');
    expect(logKey(logName(key))).toEqual(key);
    const wrong: LogName[] = ['', 'x', logName(key.slice(1)), `${logName(key)}=`, `${logName(key).slice(0, 42)}!`];
    expect(wrong.map(logKey)).toEqual(wrong.map(() => undefined));
  });
});

describe('before and after', () => {
  test('LOG10 nobody is told of own entries before they are durable', async () => {
    const rows = createMemoryRowStore();
    const disk = Promise.withResolvers<void>();
    const durabilities: string[] = [];
    const store = createServingLogStore(
      {
        ...rows,
        async write(durability, body) {
          durabilities.push(durability);
          const result = await rows.write(durability, body);
          await disk.promise;
          return result;
        },
      },
      crypto,
    );
    const writer = createTestWriter('durable');
    const events: string[] = [];
    store.follow(() => events.push('told'));
    const extended = store.extend([await writer.writeRun(...texts(0, 1))]).then(() => events.push('acknowledged'));
    // Everything that can happen without the disk has happened when the rows hold the entry.
    await rows.read((tx) => tx.heads());
    expect(events).toEqual([]);
    disk.resolve();
    await extended;
    await Promise.resolve();
    expect(events.toSorted()).toEqual(['acknowledged', 'told']);
    expect(durabilities).toEqual(['strict']);
  });

  test('LOG11 entries of an unknown kind or flag are verified, stored and sent on unchanged', async () => {
    const writer = createTestWriter('later version');
    const unknown: Omit<RunEntry, 'lamport'>[] = [
      { kind: 0, flags: 0, bodyBytes: 1, clock: 0, content: whole('a') },
      { kind: 200, flags: 0, bodyBytes: 1, clock: 0, content: whole('b') },
      { kind: 0, flags: 0x8000, bodyBytes: 1, clock: 0, content: whole('c') },
      { kind: 5, flags: 0xfffd, bodyBytes: 1, clock: 0, content: whole('d') },
    ];
    const entries = unknown.map((entry, i) => ({ ...entry, lamport: i + 1 }));
    const wire = encodeRun(await signRun(writer.key, { first: 0, previous: NO_ENTRY, entries }));
    const [a, b] = [createStore(), createStore()];
    await a.merge([await verified(wire)]);
    await pull(b, a);
    const [held] = await b.range(writer.log, 0, 3);
    expect(held === undefined ? undefined : encodeRun(held)).toEqual(wire);
    expect(entries.map(isKnownToThisVersion)).toEqual([true, false, false, false]);
    expect(isKnownToThisVersion({ kind: 21, flags: 3 })).toBe(true);
  });
});

function whole(text: string): RunEntry['content'] {
  return { form: 'body', parts: [{ salt: bytesOf(text, 16), bytes: utf8(text) }] };
}

test('LOG13 the last sequence of a run is that of its last entry', async () => {
  const { run } = await createTestWriter('last').writeRun(...numbered(3));
  expect(lastSequence(run)).toBe(2);
});
