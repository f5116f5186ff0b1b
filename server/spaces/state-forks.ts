import { toBase64Url } from '../../core/log/bytes.ts';
import { StorageFull } from '../../core/log/row-store.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { LogStore } from '../../core/log/log-store.ts';
import type { Replica } from '../../core/engine/replica.ts';

/** What of a space it takes to say so. */
export interface ForkSpeaker {
  readonly store: LogStore;
  readonly replica: Replica;
  readonly prepareOwnLog: () => Promise<void>;
}

/**
 * Says in the server's own log which logs have two histories, with the proof, once for each: so it reaches every replica, also
 * one that saw only one of them (LOG15). Of one log, or of all whose verdict a crash came before.
 */
export async function stateForks(space: ForkSpeaker, log?: LogName): Promise<void> {
  const said = new Set(await space.replica.forkedLogs());
  if (log !== undefined && said.has(log)) return;
  try {
    for (const proof of await space.store.forks(log)) {
      if (said.has(proof.log)) continue;
      said.add(proof.log);
      await space.prepareOwnLog();
      const [held, other] = [toBase64Url(proof.held), toBase64Url(proof.other)];
      await space.replica.state([{ kind: 'forkVerdict', log: proof.log, sequence: proof.sequence, held, other }]);
    }
  } catch (error) {
    // No room: the evidence stays, and the verdict is said by a later life.
    if (!(error instanceof StorageFull) && !(error instanceof WakelogError && error.code === 'storage-full')) throw error;
  }
}
