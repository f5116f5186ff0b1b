import { createReplica } from '../../core/engine/create-replica.ts';
import type { Replica } from '../../core/engine/replica.ts';
import { createServingLogStore } from '../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../core/log/memory-row-store.ts';
import type { LogStore, ServingLogStore } from '../../core/log/log-store.ts';
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

/** A replica that others can be given from. */
export interface ServingReplica extends Replica {
  readonly store: ServingLogStore;
}

/** A replica on memory stores with real cryptography; the stores may be handed in to open it a second time. */
export async function openReplica({ rows = createMemoryRowStore(), views = createMemoryViewStore(), account = 'ann', now, held = false }: ReplicaParts = {}): Promise<ServingReplica> {
  const store = createServingLogStore(rows, createNodeCrypto());
  const nodePorts = createNodePorts(createStoredWriterKeys(store));
  const ports = now === undefined ? nodePorts : { ...nodePorts, clock: { ...nodePorts.clock, now: () => now } };
  const replica = await createReplica({ space: 'garden', account, device: 'test', store, viewStore: views, ports, mergeDurability: 'strict', held });
  return { ...replica, store };
}

/** Whoever looks at a store that others wrote: it appends nothing. */
export function openReader(space: string, store: LogStore, viewStore: ViewStore): Promise<Replica> {
  const ports = createNodePorts(createStoredWriterKeys(store));
  return createReplica({ space, account: 'reader', device: 'reader', store, viewStore, ports, mergeDurability: 'strict' });
}

/** Hands everything that one replica holds to another, as a sync would. */
export async function copyAll(from: Pick<ServingReplica, 'store'>, to: Replica): Promise<void> {
  for (let position = 0, level = false; !level; ) {
    const arrived = await from.store.after(position);
    await to.merge(arrived.runs.map(encodeRun));
    ({ position, level } = arrived);
  }
}
