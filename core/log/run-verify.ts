import type { Bytes } from './bytes.ts';
import { hashContent } from './content.ts';
import type { Crypto } from './crypto.ts';
import { entryId } from './header.ts';
import type { Run, VerifiedRun } from './run.ts';
import { lastSequence } from './run.ts';
import { decodeRun } from './run-codec.ts';
import { headMessage, verifySignature } from './signature.ts';

/** Why a run is refused by its bytes alone. */
export type RunFault = 'malformed' | 'unsupported-format' | 'too-large' | 'bad-signature';

/**
 * Decodes a run and checks body hashes, chain and its one signature, which vouches for every entry before it (LOG8).
 * The verdict depends on these bytes and the space alone.
 */
export async function verifyRun(crypto: Crypto, spaceHash: Bytes, bytes: Bytes): Promise<VerifiedRun | RunFault> {
  const run = decodeRun(bytes);
  if (typeof run === 'string') return run;
  const ids = await chainIds(crypto, run);
  const head = ids.at(-1);
  if (head === undefined) return 'malformed';
  const signed = await verifySignature(crypto, run.log, headMessage(spaceHash, head), run.signature);
  return signed ? { run, ids, bytes } : 'bad-signature';
}

/** The ids of a run's entries, in order, up to and with sequence `upTo`. */
export async function chainIds(crypto: Crypto, run: Run, upTo: number = lastSequence(run)): Promise<Bytes[]> {
  const { log, first, entries } = run;
  const ids: Bytes[] = [];
  let previous = run.previous;
  for (const entry of entries) {
    const sequence = first + ids.length;
    if (sequence > upTo) break;
    const { kind, flags, bodyBytes, lamport, clock } = entry;
    const hashing = hashContent(crypto, entry.content, flags);
    // Two hashes for each of a great many entries: what is there at once is not waited for.
    const bodyHash = hashing instanceof Promise ? await hashing : hashing;
    const naming = entryId(crypto, { kind, flags, bodyBytes, sequence, lamport, clock, log, previous, bodyHash });
    previous = naming instanceof Promise ? await naming : naming;
    ids.push(previous);
  }
  return ids;
}
