import { createDevice } from '../../../core/engine/create-device.ts';
import type { Device } from '../../../core/engine/device.ts';
import type { Transport } from '../../../core/engine/ports.ts';
import type { Appended, Replica } from '../../../core/engine/replica.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { nodeClock } from '../../../server/device/node-ports.ts';
import { openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';

/** A life of one device, on what an earlier one left. */
export async function openDevice(at: Responder, rows: RowStore = createMemoryRowStore()): Promise<Device> {
  return deviceOf(at, await openReplica({ rows }));
}

/** The device of a replica that is open. */
export function deviceOf(at: Responder, replica: Replica): Promise<Device> {
  const transport: Transport = {
    async sync(body) {
      const request = decodeSyncRequest(body);
      const [part] = typeof request === 'string' ? [] : request.spaces;
      if (part === undefined) throw new Error('a request');
      return {
        status: 200,
        contentType: SYNC_CONTENT_TYPE,
        retryAfterMs: undefined,
        body: encodeSyncResponse({ time: 1, spaces: [await at.ask(part)] }),
      };
    },
    live: async () => 'ended',
  };
  return createDevice({ replica, name: 'd', transport, clock: nodeClock, random: Math.random, crypto: createNodeCrypto() });
}

/** Writes one entry, which is not sent. */
export async function put({ replica }: Pick<Device, 'replica'>, key: string, value = 'x'): Promise<Appended> {
  const [appended] = await replica.append([{ writes: [{ key, value }] }]);
  if (appended === undefined) throw new Error('one draft makes one entry');
  return appended;
}
