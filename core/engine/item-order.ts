import type { Creation } from '../views/key-value/item.ts';

/** The order of creation (`compareCreation`) as a text that is compared by its characters, for readers that know no logs. */
export function creationToText({ lamport, log, sequence }: Creation): string {
  return `${sortableNumber(lamport)}${log}${sortableNumber(sequence)}`;
}

// 53 bits are at most 11 digits of base 36.
function sortableNumber(value: number): string {
  return value.toString(36).padStart(11, '0');
}
