import type { Bytes } from '../log/bytes.ts';
import { fromBase64Url } from '../log/bytes.ts';
import type { Crypto } from '../log/crypto.ts';
import { verifyForkProof } from '../log/fork.ts';
import type { ForkProof, LogStore } from '../log/log-store.ts';
import type { LogName } from '../log/version-vector.ts';
import type { KeyValueApi } from '../views/key-value/key-value-api.ts';
import type { VerdictPlace } from '../views/key-value/key-rows.ts';
import { readStatement } from '../views/key-value/statements.ts';

/** The forks that a replica knows of: seen by itself, or proven by an authority's verdict (LOG15). */
export interface ForkProofs {
  readonly all: () => Promise<readonly ForkProof[]>;
  /** Logs of which a verdict holds. */
  readonly logs: () => Promise<readonly LogName[]>;
}

export function createForkProofs(store: LogStore, crypto: Crypto, spaceHash: Bytes, verdicts: () => ReturnType<KeyValueApi['forks']>): ForkProofs {
  /** Checked once in this life: what a verdict says never changes. */
  const checked = new Map<string, Promise<ForkProof | undefined>>();

  /** Nobody is convicted by a word: the verdict's own bytes have to prove it. */
  async function check({ log, sequence }: VerdictPlace): Promise<ForkProof | undefined> {
    const [run] = await store.range(log, sequence, sequence);
    const entry = run?.entries[0];
    const statement = entry && readStatement(entry);
    if (statement?.kind !== 'forkVerdict') return undefined;
    const [held, other] = [fromBase64Url(statement.held), fromBase64Url(statement.other)];
    const proof = held && other && { log: statement.log, sequence: statement.sequence, held, other };
    return proof && (await verifyForkProof(crypto, spaceHash, proof)) ? proof : undefined;
  }

  async function proven(): Promise<ForkProof[]> {
    const proofs = [...verdicts().values()].map((place) => {
      const name = `${place.log}:${place.sequence}`;
      const known = checked.get(name) ?? check(place);
      checked.set(name, known);
      // A store that could not be read is asked again.
      known.catch(() => checked.delete(name));
      return known;
    });
    return (await Promise.all(proofs)).filter((proof) => proof !== undefined);
  }

  return {
    all: async () => [...(await store.forks()), ...(await proven())],
    logs: async () => (await proven()).map(({ log }) => log),
  };
}
