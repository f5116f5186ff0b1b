import type { Bytes } from '../../../core/log/bytes.ts';
import type { Run } from '../../../core/log/run.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { headersOnly } from '../../../core/log/run-shape.ts';
import type { Crypto } from '../../../core/log/crypto.ts';
import type { SimRandom } from '../world/random.ts';

/** What is in the body of every entry that nobody may ever take. */
export const FORGED = '"forged"';

export function forgedBody(mark: string): string {
  return `{"writes":[["put","k/0",{${FORGED}:${JSON.stringify(mark)}},[]]]}`;
}

/** One bit of a run changed, anywhere: no signature survives it. */
export function flipped(bytes: Bytes, random: SimRandom): Bytes {
  const copy = bytes.slice();
  const at = random.int(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
  return copy;
}

/** A run that was cut or joined by somebody who does not know how, or does. None of it is a valid run. */
export function mangled({ run, bytes, other }: { readonly run: Run; readonly bytes: Bytes; readonly other: Run }, random: SimRandom): Bytes {
  const { entries, signature } = run;
  const ways: (() => Bytes)[] = [
    // In the middle of its bytes, and with something behind its end.
    () => bytes.slice(0, random.int(bytes.length)),
    () => new Uint8Array([...bytes, 0]),
    // Its end, and the signature of what is gone.
    () => encodeRun({ ...run, entries: entries.slice(0, -1) }),
    // Its beginning, and not the place where it now begins.
    () => encodeRun({ ...run, entries: entries.slice(1) }),
    () => encodeRun({ ...run, first: run.first + 1, entries: entries.slice(1) }),
    // The first one's signature for both.
    () => encodeRun({ ...run, entries: [...entries, ...other.entries], signature }),
    // Out of order; twice.
    () => encodeRun({ ...run, previous: other.previous }),
    () => encodeRun({ ...run, entries: [...entries, ...entries.map((entry) => ({ ...entry, lamport: entry.lamport + 1_000 }))] }),
  ];
  return random.pick(ways.slice(entries.length > 1 ? 0 : 5))();
}

/** A run without its bodies. It is valid: a relay may leave them out (LOG9). */
export async function withheld(crypto: Crypto, run: Run): Promise<Bytes> {
  return encodeRun(await headersOnly(crypto, run));
}
