import type { Bytes } from '../../core/log/bytes.ts';

/*
 * SHA-256's compression function (FIPS 180-4 §6.2.2) as a WebAssembly module, written by this generator when the worker
 * starts: 64 rounds unrolled, everything but the message in local variables.
 *
 *   memory    0..31 state, 32..63 the state as big-endian bytes, from 64 on the message, padded
 *   f(at, end)  takes the blocks from `at` to `end` into the state
 */
export const MESSAGE_AT = 64;

/** WebAssembly's instructions on 32-bit numbers, and the few others that are used. */
const OP = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load: 0x28,
  store: 0x36,
  const: 0x41,
  below: 0x49,
} as const;
const [ADD, AND, OR, XOR, SHR, ROTL, ROTR] = [0x6a, 0x71, 0x72, 0x73, 0x76, 0x77, 0x78] as const;
/** Local variables: the two parameters, eight words of state, sixteen of the message schedule, one between. */
const [AT, END, STATE, SCHEDULE, SPARE, LOCALS] = [0, 1, 2, 10, 26, 25] as const;

/** FIPS 180-4 §4.2.2 and §5.3.3: the first 32 bits behind the point of roots of the first primes. */
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && Array.from({ length: n - 2 }, (_, i) => n % (i + 2)).every((rest) => rest > 0),
);
export const ROUND_CONSTANTS: readonly number[] = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
export const START_STATE: Uint32Array = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

// No root comes so near to a 32-bit step that an engine's last bits could matter: a test compares with exact ones.
function fraction(root: number): number {
  return Math.floor((root % 1) * 2 ** 32);
}

export function sha256Module(): Bytes {
  const code = [1, LOCALS, 0x7f, ...compression()];
  return new Uint8Array([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [0x60, 2, 0x7f, 0x7f, 0]),
    ...section(3, [0]),
    ...section(5, [0, 1]),
    ...section(7, [1, 0x6d, 2, 0], [1, 0x66, 0, 0]),
    ...section(10, [...unsigned(code.length), ...code]),
  ]);
}

function compression(): number[] {
  const code: number[] = [];
  const add = (...parts: readonly (number | readonly number[])[]): void => void code.push(...parts.flat());
  for (let i = 0; i < 8; i++) add(constant(0), load(i * 4), set(STATE + i));
  add(OP.loop, 0x40);
  for (let i = 0; i < 16; i++) add(get(AT), load(i * 4), set(SPARE), swapped(get(SPARE)), set(SCHEDULE + i));
  for (let round = 0; round < 64; round++) {
    const word = (steps: number): number[] => get(SCHEDULE + ((round + steps) & 15));
    if (round >= 16) {
      add(
        word(0),
        mixed(word(1), 7, 18, 3),
        ADD,
        word(9),
        ADD,
        mixed(word(14), 17, 19, 10),
        ADD,
        set(SCHEDULE + (round & 15)),
      );
    }
    // Instead of handing eight words on, each round calls them by the next name.
    const local = (i: number): number => STATE + ((i - round) & 7);
    const [a, b, c, e, f, g, h] = [0, 1, 2, 4, 5, 6, 7].map((i) => get(local(i))) as [
      number[],
      number[],
      number[],
      number[],
      number[],
      number[],
      number[],
    ];
    add(
      h,
      rotations(e, 14, 5, 6),
      ADD,
      f,
      g,
      XOR,
      e,
      AND,
      g,
      XOR,
      ADD,
      constant(ROUND_CONSTANTS[round] ?? 0),
      ADD,
      word(0),
      ADD,
    );
    add(OP.tee, SPARE, get(local(3)), ADD, set(local(3)));
    add(get(SPARE), rotations(a, 9, 11, 2), ADD, a, b, AND, a, b, OR, c, AND, OR, ADD, set(local(7)));
  }
  for (let i = 0; i < 8; i++)
    add(constant(0), constant(0), load(i * 4), get(STATE + i), ADD, OP.tee, STATE + i, store(i * 4));
  add(get(AT), constant(64), ADD, OP.tee, AT, get(END), OP.below, OP.brIf, 0, OP.end);
  for (let i = 0; i < 8; i++) add(constant(0), swapped(get(STATE + i)), store(32 + i * 4));
  add(OP.end);
  return code;
}

/** Three rotations of x, by a + b + c, b + c and c, in one xor. */
function rotations(x: readonly number[], a: number, b: number, c: number): number[] {
  return [...x, ...constant(a), ROTR, ...x, XOR, ...constant(b), ROTR, ...x, XOR, ...constant(c), ROTR];
}

/** Two rotations and a shift of x in one xor. */
function mixed(x: readonly number[], a: number, b: number, shift: number): number[] {
  return [...x, ...constant(a), ROTR, ...x, ...constant(b), ROTR, XOR, ...x, ...constant(shift), SHR, XOR];
}

function swapped(x: readonly number[]): number[] {
  return [
    ...x,
    ...constant(8),
    ROTL,
    ...constant(0xff00ff),
    AND,
    ...x,
    ...constant(24),
    ROTL,
    ...constant(0xff00ff00),
    AND,
    OR,
  ];
}

function get(local: number): number[] {
  return [OP.get, local];
}

function set(local: number): number[] {
  return [OP.set, local];
}

function load(offset: number): number[] {
  return [OP.load, 2, ...unsigned(offset)];
}

function store(offset: number): number[] {
  return [OP.store, 2, ...unsigned(offset)];
}

/** i32.const with its operand in signed LEB128. */
function constant(value: number): number[] {
  const bytes: number[] = [OP.const];
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 127;
    const isLast = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push(isLast ? low : low | 128);
    if (isLast) return bytes;
  }
}

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)];
}

function section(id: number, ...items: readonly (readonly number[])[]): number[] {
  const body = [...unsigned(items.length), ...items.flat()];
  return [id, ...unsigned(body.length), ...body];
}
