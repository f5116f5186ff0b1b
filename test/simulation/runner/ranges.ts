type Range = readonly [first: number, last: number];

/** A set of whole numbers, most of which follow each other. */
export interface Ranges {
  readonly add: (value: number) => void;
  readonly has: (value: number) => boolean;
  readonly ranges: () => readonly Range[];
}

export function createRanges(from: readonly Range[]): Ranges {
  let ranges = [...from];
  const has = (value: number): boolean => ranges.some(([first, last]) => value >= first && value <= last);
  return {
    has,
    add(value) {
      if (has(value)) return;
      const before = ranges.find(([, last]) => last === value - 1);
      const after = ranges.find(([first]) => first === value + 1);
      const joined: Range = [before?.[0] ?? value, after?.[1] ?? value];
      ranges = [...ranges.filter((range) => range !== before && range !== after), joined];
    },
    ranges: () => ranges,
  };
}
