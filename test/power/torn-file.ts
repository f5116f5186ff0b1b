import { readFileSync, writeFileSync } from 'node:fs';

export interface TornFile {
  /** Its bytes as of its last sync; undefined: it was never synced. */
  readonly durable: string | undefined;
  /** Its bytes as the program last wrote them. */
  readonly live: string;
  readonly to: string;
  readonly random: () => number;
}

/** A disk writes whole sectors; systems write pages and larger pieces, which a power cut may also keep or lose whole. */
const PIECE_BYTES = [512, 4_096, 16_384, 65_536] as const;
const SHARES_WRITTEN = [0, 0.1, 0.5, 0.9, 1] as const;

/** What may stand on the disk between two syncs: of what was written since, any pieces have arrived, in any order. */
export function tear({ durable, live, to, random }: TornFile): void {
  const before = durable === undefined ? Buffer.alloc(0) : readFileSync(durable);
  const after = readFileSync(live);
  const pieceBytes = pick(PIECE_BYTES, random);
  const share = pick(SHARES_WRITTEN, random);
  const bytes = Buffer.alloc(tornSize(before.length, after.length, pieceBytes, random));
  before.copy(bytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (random() < share) after.subarray(at, at + pieceBytes).copy(bytes, at);
  }
  writeFileSync(to, bytes, { mode: 0o600 });
}

/** A file's length is durable before its bytes, with them, or after them. */
function tornSize(before: number, after: number, pieceBytes: number, random: () => number): number {
  const grown = after - before;
  if (grown <= 0) return random() < 0.5 ? before : after;
  return Math.min(after, before + pieceBytes * Math.floor(random() * (Math.ceil(grown / pieceBytes) + 1)));
}

function pick<Item>(items: readonly [Item, ...Item[]], random: () => number): Item {
  return items[Math.floor(random() * items.length)] ?? items[0];
}
