import { expect, test } from 'vitest';
import type { Device } from '../../../core/engine/device.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { StorageGone } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { CaptureParts } from '../../../sw/capture/capture-collection.ts';
import { answerCollection } from '../../../sw/capture/capture-collection.ts';
import { openReplica } from '../../support/node-replica.ts';

const SCOPE = { account: 'ann', space: 'garden' };

function post(body: object): FetchEvent {
  const headers = { 'content-type': 'application/json' };
  const request = new Request('https://garden.example/api/tasks', { method: 'POST', headers, body: JSON.stringify(body) });
  return { clientId: 'tab', request, waitUntil: () => undefined } as unknown as FetchEvent;
}

/** As `sw/devices.ts` does it: a body whose database ended under it runs once more, on a device opened anew. */
function partsWith(open: () => Promise<Replica>): CaptureParts {
  let replica: Promise<Replica> | undefined;
  const use = async (_scope: unknown, body: (device: Pick<Device, 'replica'>) => Promise<unknown>): Promise<unknown> => {
    try {
      return await body({ replica: await (replica ??= open()) });
    } catch (error) {
      if (!(error instanceof StorageGone)) throw error;
      return body({ replica: await (replica = open()) });
    }
  };
  return {
    devices: { use },
    presence: { whose: async () => SCOPE },
    sender: { send: async () => 'level' },
    handOver: { whileInCharge: async () => undefined },
  } as unknown as CaptureParts;
}

test('CAP31 LOG19: a POST under which the database ends when it is durable already creates one item, and says so', async () => {
  const parts = { rows: createMemoryRowStore(), views: createMemoryViewStore() };
  let opened = 0;
  const devices = partsWith(async () => {
    const replica = await openReplica(parts);
    if (opened++ > 0) return replica;
    // The browser closes the connection between the commit and the answer.
    const item: Replica['view']['item'] = async () => Promise.reject(new StorageGone());
    return { ...replica, view: { ...replica.view, item } };
  });
  const answer = await answerCollection(post({ title: 'water' }), '/api/tasks', devices);
  expect(opened).toBe(2);
  expect(answer.status).toBe(201);
  const replica = await openReplica(parts);
  const [item, ...others] = await replica.view.items('/api/tasks/');
  expect(others).toEqual([]);
  expect(item?.live.length).toBe(1);
  expect(answer.headers.get('location')).toBe(item?.key);
  expect(await answer.json()).toMatchObject({ title: 'water', id: item?.key.slice('/api/tasks/'.length) });
});
