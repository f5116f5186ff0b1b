import type { Device } from '../core/engine/device.ts';
import { readMemory } from '../core/engine/exchange.ts';
import { creationToText } from '../core/engine/item-order.ts';
import type { Replica } from '../core/engine/replica.ts';
import type { PageItem, PageStatus } from '../core/protocol/page-messages.ts';
import type { Item, Version } from '../core/views/key-value/item.ts';

/** Tells of a version whether no server has acknowledged it yet; read once, good for all versions of one answer. */
export async function unsentOf(replica: Replica): Promise<(version: Version) => boolean> {
  const log = replica.ownLog();
  const acknowledged = (await readMemory(replica.store)).acknowledged.get(log ?? '') ?? -1;
  return (version) => version.log === log && version.sequence > acknowledged;
}

export function itemToPage(item: Item, isUnsent: (version: Version) => boolean): PageItem {
  const [shown] = item.live;
  return {
    key: item.key,
    value: shown.value,
    deleted: shown.deleted,
    ids: item.live.map(({ id }) => id),
    conflict: item.conflict,
    incomplete: item.incomplete,
    unsent: isUnsent(shown),
    created: creationToText(item.created),
  };
}

export async function statusToPage(device: Device, push: PageStatus['push']): Promise<PageStatus> {
  const status = await device.status();
  return {
    engine: 'worker',
    connection: status.connection,
    unsent: status.unsent,
    refused: status.refused.map(({ id, code, reason }) => ({ id, code, reason })),
    conflicts: status.conflicts,
    updatesReady: status.updatesReady,
    atRisk: status.atRisk ?? null,
    updateNeeded: status.updateNeeded,
    lastSynced: status.lastSynced ?? null,
    push,
  };
}
