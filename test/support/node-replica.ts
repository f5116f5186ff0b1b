import { createReplica } from '../../core/engine/create-replica.ts';
import type { Replica } from '../../core/engine/replica.ts';
import { createLogStore } from '../../core/log/create-log-store.ts';
import { createMemoryRowStore } from '../../core/log/memory-row-store.ts';
import type { RowStore } from '../../core/log/row-store.ts';
import { encodeRun } from '../../core/log/run-codec.ts';
import { createMemoryViewStore } from '../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import { createNodeCrypto } from '../../server/crypto/node-crypto.ts';
import { createNodePorts, createStoredWriterKeys } from '../../server/device/node-ports.ts';

export interface ReplicaParts {
  readonly rows?: RowStore;
  readonly views?: ViewStore;
  readonly account?: string;
  /** What its wall clock says, ms. */
  readonly now?: number;
  /** Whether entries of others wait from the start. */
  readonly held?: boolean;
}

/** A replica on memory stores with real cryptography; the stores may be handed in to open it a second time. */
export async function openReplica({ rows = createMemoryRowStore(), views = createMemoryViewStore(), account = 'ann', now, held = false }: ReplicaParts = {}): Promise<Replica> {
  const store = createLogStore(rows, createNodeCrypto());
  const nodePorts = createNodePorts(createStoredWriterKeys(store));
  const ports = now === undefined ? nodePorts : { ...nodePorts, clock: { ...nodePorts.clock, now: () => now } };
  return createReplica({ space: 'garden', account, device: 'test', store, viewStore: views, ports, mergeDurability: 'strict', held });
}

/** Hands everything that one replica holds to another, as a sync would. */
export async function copyAll(from: Replica, to: Replica): Promise<void> {
  for (let position = 0, level = false; !level; ) {
    const arrived = await from.store.after(position);
    await to.merge(arrived.runs.map(encodeRun));
    ({ position, level } = arrived);
  }
}
