import type { PageScope } from '../../../core/protocol/page-messages.ts';

/** One write that a simulated user asked for. Its number is part of every value it puts, so that it is found again anywhere. */
export interface Write {
  readonly number: number;
  readonly scope: PageScope;
  /** Which machine it was made on. */
  readonly machine: string;
  readonly keys: readonly string[];
  /** Virtual ms. */
  readonly askedAt: number;
  /** The user was told that it is safe; undefined: not, or nobody knows. */
  acknowledgedAt: number | undefined;
  /** The user was told that it was not taken. */
  refused: boolean;
  /** Why it may be gone although it was acknowledged: its only copies went with a disk, and nobody could have kept it. */
  gone: string | undefined;
}

/** What users asked for and what they were told: the truth that every replica is measured by. */
export interface Ledger {
  readonly ask: (of: Pick<Write, 'scope' | 'machine' | 'keys' | 'askedAt'>) => Write;
  readonly writes: () => readonly Write[];
  readonly byNumber: (number: number) => Write | undefined;
}

export function createLedger(): Ledger {
  const writes: Write[] = [];
  return {
    ask(of) {
      const write: Write = { ...of, number: writes.length, acknowledgedAt: undefined, refused: false, gone: undefined };
      writes.push(write);
      return write;
    },
    writes: () => writes,
    byNumber: (number) => writes[number],
  };
}

const MARK = /"w":(\d+)/;

/** The number of the write that a stored body's text is of. */
export function numberOf(text: string): number | undefined {
  const found = MARK.exec(text);
  return found === null ? undefined : Number(found[1]);
}

/** A value of a write. */
export function valueOf(write: Pick<Write, 'number'>, of: { readonly key: string; readonly fill: string }): { readonly w: number; readonly k: string; readonly fill: string } {
  return { w: write.number, k: of.key, fill: of.fill };
}
