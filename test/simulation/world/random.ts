/** Random numbers of one seed. Parts draw from streams of their own (`fork`), so that one more draw here shifts nothing there. */
export interface SimRandom {
  /** From 0 up to, not with, 1. */
  readonly next: () => number;
  /** A whole number from 0 up to, not with, `below`. */
  readonly int: (below: number) => number;
  readonly between: (min: number, max: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(list: readonly T[]) => T;
  readonly bytes: (length: number) => Uint8Array<ArrayBuffer>;
  readonly fork: (name: string) => SimRandom;
}

export function createRandom(seed: number, name = ''): SimRandom {
  const next = sfc32(hashText(`${seed}:${name}`));
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    between: (min, max) => min + next() * (max - min),
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new Error('nothing to pick from');
      return list[int(list.length)] as T;
    },
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = int(256);
      return bytes;
    },
    fork: (child) => createRandom(seed, `${name}/${child}`),
  };
}

type State = [number, number, number, number];

/** Doty-Humphrey's small fast counting generator: 128 bits of state, plenty for a simulation. */
function sfc32(state: State): () => number {
  let [a, b, c, d] = state;
  const next = (): number => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Four words of a text, by FNV-1a from four starts. */
function hashText(text: string): State {
  const word = (start: number): number => {
    let hash = start;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
    return hash | 0;
  };
  return [word(0x811c9dc5), word(0x1234567), word(0x89abcdef | 0), 1];
}
