import type { Device } from '../core/engine/device.ts';
import type { PageStatus } from '../core/protocol/page-messages.ts';

/** A device's status as pages get it. */
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
    ...(status.forks.length > 0 && { forks: status.forks }),
    ...(status.setback && { setback: status.setback }),
  };
}
