import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { MAX_RUN_BYTES } from '../../core/log/limits.ts';
import type { ServingLogStore, RunVerdict } from '../../core/log/log-store.ts';
import type { VerifiedRun } from '../../core/log/run.ts';
import { runWeightBytes } from '../../core/log/run.ts';
import { checkEqual } from './check.ts';
import type { CaseContext, ContractEngine } from './contract.ts';
import { runCase } from './contract.ts';
import { indexedDbEngine } from './engines/indexeddb.ts';
import { memoryEngine } from './engines/memory.ts';
import { sqliteEngine } from './engines/sqlite.ts';
import type { Met } from './reading.ts';
import { checkHeld, readOn, wholeContent } from './reading.ts';
import type { TestLog } from './test-log.ts';
import { partOf } from './test-log.ts';

/** One thing done to the store. Numbers are chosen freely and brought into range when it is done. */
type Step =
  | {
      readonly do: 'extend';
      readonly log: number;
      readonly count: number;
      readonly apart: boolean;
      readonly bodyBytes: number;
    }
  | {
      readonly do: 'merge';
      readonly log: number;
      readonly first: number;
      readonly count: number;
      readonly bodies: number;
    }
  | { readonly do: 'erase'; readonly log: number; readonly sequence: number; readonly part: number | undefined }
  | { readonly do: 'fork'; readonly log: number; readonly at: number }
  | { readonly do: 'reopen' }
  | { readonly do: 'read'; readonly maxBytes: number };

const LOGS = 3;
const log = fc.nat(LOGS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('extend' as const),
      log,
      count: fc.integer({ min: 1, max: 12 }),
      apart: fc.boolean(),
      bodyBytes: fc.constantFrom(0, 20, 20, 300, 13_000, 60_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('merge' as const),
      log,
      first: fc.nat(60),
      count: fc.integer({ min: 1, max: 12 }),
      bodies: fc.nat(12),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('erase' as const),
      log,
      sequence: fc.nat(60),
      part: fc.option(fc.nat(1), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fork' as const), log, at: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), maxBytes: fc.constantFrom(1, 500, 50_000) }) },
);

/** What a log must look like: for each entry held, its content as text. */
interface ModelLog {
  readonly truth: TestLog;
  readonly held: string[];
}

/** The simplest thing that behaves as the rules say, beside the store that is tested. */
interface Trial {
  store: ServingLogStore;
  readonly logs: readonly ModelLog[];
  /** A reader that goes on by position through all of it, and the bodies it has not met yet. */
  position: number;
  readonly unmet: Map<string, Set<number>>;
}

describe.each(
  Object.entries({ memory: memoryEngine, 'IndexedDB (fake-indexeddb)': indexedDbEngine, SQLite: sqliteEngine }),
)('%s', (name, engine) => {
  test('LOG13 LOG14 LOG15 LOG9 LOG3 whatever is done in whatever order, the store behaves as the simple model', async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) =>
      tryOut(engine, steps),
    );
    await fc.assert(property, { numRuns: name === 'memory' ? 40 : 20 });
  }, 120_000);
});

async function tryOut(engine: ContractEngine, steps: readonly Step[]): Promise<void> {
  await runCase(engine, {
    title: 'trial',
    room: 'ample',
    run: async (t) => {
      const logs: ModelLog[] = [];
      for (let i = 0; i < LOGS; i++) logs.push({ truth: await t.createLog(), held: [] });
      const trial: Trial = { store: await t.open(), logs, position: 0, unmet: new Map() };
      for (const next of steps) await take(t, trial, next);
      await checkAll(t, trial);
    },
  });
}

async function take(t: CaseContext, trial: Trial, next: Step): Promise<void> {
  if (next.do === 'reopen') {
    await trial.store.close();
    trial.store = await t.open();
  } else if (next.do === 'read') {
    await readSome(trial, next.maxBytes);
  } else {
    const model = trial.logs[next.log];
    if (model === undefined) throw new Error('no such log');
    if (next.do === 'extend') await extend(trial, model, next);
    else if (next.do === 'merge') await merge(t, trial, model, next);
    else if (next.do === 'erase') await erase(trial, model, next.sequence, next.part);
    else await fork(trial, model, next.at);
  }
}

/** Entries that come apart make a row each: enough of them, and rows are merged. */
async function extend(
  trial: Trial,
  model: ModelLog,
  { count, apart, bodyBytes }: { count: number; apart: boolean; bodyBytes: number },
): Promise<void> {
  const { truth, held } = model;
  const first = held.length;
  if (truth.length() < first + count)
    await truth.grow({ count: first + count - truth.length(), bodyBytes, parts: count % 2 === 0 ? 2 : 1 });
  const runs: VerifiedRun[] = [];
  const verdicts: RunVerdict[] = [];
  for (let from = first; from < first + count;) {
    const last = apart ? from : lastThatFits(truth, from, first + count - 1);
    runs.push(await truth.run(from, last));
    verdicts.push({ kind: 'accepted', first: from });
    from = last + 1;
  }
  const result = await trial.store.extend(runs);
  checkEqual(result === 'stale' ? result : result.verdicts, verdicts, 'the verdicts of an extension');
  for (let sequence = first; sequence < first + count; sequence++) hold(trial, model, sequence);
}

/** The greatest sequence up to `last` with which a run from `first` on is no heavier than a run may be (LOG4). */
function lastThatFits(truth: TestLog, first: number, last: number): number {
  const entries = [truth.entry(first)];
  while (first + entries.length <= last) {
    entries.push(truth.entry(first + entries.length));
    if (runWeightBytes(entries) > MAX_RUN_BYTES) return first + entries.length - 2;
  }
  return last;
}

async function merge(
  t: CaseContext,
  trial: Trial,
  model: ModelLog,
  wanted: { first: number; count: number; bodies: number },
): Promise<void> {
  const { truth, held } = model;
  if (truth.length() < wanted.count) await truth.grow({ count: wanted.count, parts: 2 });
  const first = wanted.first % truth.length();
  const last = lastThatFits(truth, first, Math.min(first + wanted.count - 1, truth.length() - 1));
  const lastBody = Math.min(last, first + wanted.bodies);
  const run = await partOf(t.crypto, t.spaceHash, await truth.run(first, last), first, lastBody);
  const before = held.length;
  const verdict: RunVerdict =
    first > before
      ? { kind: 'gap', expected: before }
      : last < before
        ? { kind: 'duplicate' }
        : { kind: 'accepted', first: before };
  checkEqual(
    (await trial.store.merge([run], { durability: 'relaxed' })).verdicts,
    [verdict],
    `the verdict of ${first} to ${last} over ${before} held`,
  );
  if (verdict.kind === 'gap') return;
  for (let sequence = first; sequence <= last; sequence++) {
    if (sequence <= lastBody && (held[sequence] ?? 'withheld') === 'withheld') hold(trial, model, sequence);
    else held[sequence] ??= 'withheld';
  }
}

function hold({ unmet }: Trial, { truth, held }: ModelLog, sequence: number): void {
  held[sequence] = wholeContent(truth)(sequence);
  const sequences = unmet.get(truth.name) ?? new Set();
  unmet.set(truth.name, sequences);
  sequences.add(sequence);
}

async function erase(
  { store, unmet }: Trial,
  { truth, held }: ModelLog,
  wanted: number,
  part: number | undefined,
): Promise<void> {
  const sequence = wanted % (held.length + 1);
  const before = held[sequence];
  const after = before === undefined || before === 'erased' ? undefined : erasedText(before, part);
  checkEqual(
    await store.eraseBody(truth.name, sequence, part),
    after !== undefined,
    `erasing part ${part} of ${before}`,
  );
  if (after === undefined) return;
  held[sequence] = after;
  if (after === 'erased') unmet.get(truth.name)?.delete(sequence);
}

/** What is left of a content, or undefined when nothing could be erased of it. */
function erasedText(content: string, part: number | undefined): string | undefined {
  const parts = content.split('+');
  if (part === undefined || content === 'withheld' || parts.length === 1) return 'erased';
  if (parts[part] === undefined || parts[part] === '-') return undefined;
  parts[part] = '-';
  return parts.every((text) => text === '-') ? 'erased' : parts.join('+');
}

async function fork({ store }: Trial, { truth, held }: ModelLog, wanted: number): Promise<void> {
  if (held.length === 0) return;
  const at = wanted % held.length;
  const branch = truth.branch(at - 1);
  await branch.grow({ count: 1, bodyBytes: 30 });
  const position = await store.position();
  checkEqual(await store.merge([await branch.run(at)]), { verdicts: [{ kind: 'fork' }], position }, `a fork at ${at}`);
  checkEqual(
    (await store.forks()).some((proof) => proof.log === truth.name),
    true,
    'its proof',
  );
}

async function readSome(trial: Trial, maxBytes: number): Promise<boolean> {
  const met: Met = new Map();
  const { position, level } = await readOn(trial.store, trial.position, maxBytes, met);
  trial.position = position;
  for (const [name, counts] of met) {
    for (const [sequence, count] of counts) {
      checkEqual(count, 1, `how often entry ${sequence} came in one batch`);
      trial.unmet.get(name)?.delete(sequence);
    }
  }
  return level;
}

async function checkAll(t: CaseContext, trial: Trial): Promise<void> {
  for (const { truth, held } of trial.logs) {
    checkEqual(
      (await trial.store.head(truth.name))?.sequence,
      held.length === 0 ? undefined : held.length - 1,
      'the head',
    );
    await checkHeld(t, trial.store, truth, {
      last: held.length - 1,
      expected: (sequence) => held[sequence] ?? 'missing',
    });
  }
  for (const { truth, held } of trial.logs) {
    for (let sequence = 0; sequence < held.length; sequence++) {
      checkEqual(await trial.store.entryId(truth.name, sequence), truth.id(sequence), `the id of entry ${sequence}`);
    }
  }
  while (!(await readSome(trial, 2_000)));
  const skipped = [...trial.unmet.values()].flatMap((sequences) => [...sequences]);
  checkEqual(skipped, [], 'entries that a reader by position never met');
}
