import type { Bytes } from './bytes.ts';
import { hashContent } from './content.ts';
import type { Crypto } from './crypto.ts';
import { MAX_RUN_BYTES, MAX_RUN_ENTRIES } from './limits.ts';
import type { Run, RunEntry } from './run.ts';
import { lastSequence, runWeightBytes } from './run.ts';
import { chainIds } from './run-verify.ts';

/** The entries of a run from sequence `first` on, under the same signature. `previous` is the id of the entry before. */
export function dropBefore(run: Run, first: number, previous: Bytes): Run {
  if (first === run.first) return run;
  return { ...run, first, previous, entries: run.entries.slice(first - run.first) };
}

/**
 * The part of a run that covers `first` to `last`, both included, and can still be verified: entries after `last` are
 * carried without their bodies, because the run's signature is its end's (LOG9).
 */
export async function sliceRun(crypto: Crypto, run: Run, first: number, last: number): Promise<Run> {
  const start = Math.max(first, run.first);
  const before = start === run.first ? run.previous : (await chainIds(crypto, run, start - 1)).at(-1);
  const slice = dropBefore(run, start, before ?? run.previous);
  if (last >= lastSequence(run)) return slice;
  const entries: RunEntry[] = [];
  for (const [i, entry] of slice.entries.entries()) {
    entries.push(start + i <= last ? entry : await withholdBody(crypto, entry));
  }
  return { ...slice, entries };
}

async function withholdBody(crypto: Crypto, entry: RunEntry): Promise<RunEntry> {
  if (entry.content.form !== 'body') return entry;
  return { ...entry, content: { form: 'withheld', bodyHash: await hashContent(crypto, entry.content, entry.flags) } };
}

/** A run without any body: what a fork proof shows. */
export async function headersOnly(crypto: Crypto, run: Run): Promise<Run> {
  return { ...run, entries: await Promise.all(run.entries.map((entry) => withholdBody(crypto, entry))) };
}

/** Whether two neighbours of one log may become one run. */
export function canMerge(a: Run, b: Run): boolean {
  return (
    b.first === lastSequence(a) + 1 &&
    a.entries.length + b.entries.length <= MAX_RUN_ENTRIES &&
    runWeightBytes([...a.entries, ...b.entries]) <= MAX_RUN_BYTES
  );
}

/** One run of two neighbours; the first one's signature is dropped, since the second's vouches for its entries too. */
export function mergeRuns(a: Run, b: Run): Run {
  return { ...a, entries: [...a.entries, ...b.entries], signature: b.signature };
}
