import { createHash } from 'node:crypto';

/** What happened in a run, as a hash that two runs of one seed share; the lines themselves only where they are asked for. */
export interface Trace {
  readonly note: (line: string) => void;
  readonly hash: () => string;
  /** The last lines, oldest first. */
  readonly lines: () => readonly string[];
}

/** Hashed in blocks: hashing each short line alone would cost more than what it tells of. */
const BLOCK_CHARS = 16_384;

export function createTrace(keptLines: number): Trace {
  const hash = createHash('sha256');
  let block = '';
  let kept: string[] = [];
  return {
    note(line) {
      block += `${line}\n`;
      if (block.length >= BLOCK_CHARS) {
        hash.update(block);
        block = '';
      }
      if (keptLines === 0) return;
      kept.push(line);
      if (kept.length > 2 * keptLines) kept = kept.slice(-keptLines);
    },
    hash: () => hash.copy().update(block).digest('base64url').slice(0, 22),
    lines: () => kept.slice(-keptLines),
  };
}
