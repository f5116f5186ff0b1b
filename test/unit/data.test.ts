import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

/** The columns of one line of the history that these checks read; test/data/README.md names them all. */
interface HistoryLine {
  readonly i: number;
  readonly w: string;
  readonly d: number;
  readonly s: number;
  readonly k: string;
  readonly p: readonly number[];
}

function readLines(name: string): HistoryLine[] {
  const text = gunzipSync(readFileSync(new URL(`../data/${name}`, import.meta.url))).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as HistoryLine);
}

test('HOUSE the git history that the real-data scenarios replay is whole', () => {
  const lines = readLines('git-history-voldemort.entries.jsonl.gz');
  const lengthByLog = new Map<string, number>();
  for (const line of lines) {
    const log = `${line.w}/${line.d}`;
    const length = lengthByLog.get(log) ?? 0;
    expect(line.s, `sequence of entry ${line.i} in log ${log}`).toBe(length);
    lengthByLog.set(log, length + 1);
  }
  expect(lines.length).toBe(18_420);
  expect(lengthByLog.size).toBe(172);
  expect(new Set(lines.map((line) => line.w)).size).toBe(123);
  expect(new Set(lines.map((line) => line.k)).size).toBe(2_571);
});
