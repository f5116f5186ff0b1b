import type { Creation } from '../views/key-value/item.ts';

/** The order in which keys were created, the order of every list: lamport, then log, then sequence (design §10). */
export function compareCreation(a: Creation, b: Creation): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  if (a.log !== b.log) return a.log < b.log ? -1 : 1;
  return a.sequence - b.sequence;
}

/** The same order as a text that is compared by its characters, for readers that know no logs. */
export function creationToText({ lamport, log, sequence }: Creation): string {
  return `${sortableNumber(lamport)}${log}${sortableNumber(sequence)}`;
}

// 53 bits are at most 11 digits of base 36.
function sortableNumber(value: number): string {
  return value.toString(36).padStart(11, '0');
}
