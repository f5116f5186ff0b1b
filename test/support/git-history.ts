import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One line of the recorded history: what one commit of one device did to one key (test/data/README.md). */
export interface HistoryEntry {
  readonly i: number;
  /** The commit; several entries may be of one. */
  readonly c: string | number;
  readonly w: string;
  readonly d: number | string;
  readonly s: number;
  readonly k: string;
  /** Blob hash, or null for deleted. */
  readonly v: string | null;
  /** Indexes of the entries that it supersedes. */
  readonly p: readonly number[];
}

export function readHistory(): HistoryEntry[] {
  return readLines('git-history-voldemort.entries.jsonl.gz') as HistoryEntry[];
}

/** Every live key's value at the end. */
export function readOracle(): ReadonlyMap<string, string> {
  const text = gunzipSync(readFileSync(dataFile('git-history-voldemort.final.json.gz'))).toString();
  const { keys } = JSON.parse(text) as { keys: Record<string, string> };
  return new Map(Object.entries(keys));
}

function readLines(name: string): unknown[] {
  const text = gunzipSync(readFileSync(dataFile(name))).toString();
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
}

function dataFile(name: string): URL {
  return new URL(`../data/${name}`, import.meta.url);
}

export function deviceOf({ w, d }: HistoryEntry): string {
  return `${w}/${d}`;
}
