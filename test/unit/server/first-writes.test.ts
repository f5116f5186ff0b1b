import { afterEach, expect, test } from 'vitest';

import { openDevice } from '../../../server/device/index.ts';
import { makeFolder, startServer } from './start-server.ts';

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('VIEW8 SYNC11 the first writes of a space, many at once: the server has one log, it is an authority, and its statements count', async () => {
  const folder = await makeFolder();
  ends.push(folder.remove);
  const server = await startServer({ dataDir: folder.path, collections: ['/api/tasks'], space: 'tasks' });
  ends.push(server.stop);
  const put = (id: number): Promise<Response> =>
    fetch(`${server.url}/api/tasks/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: `task ${id}` }),
    });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => put(id)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));

  const device = await openDevice({ url: server.url, space: 'tasks', account: 'ann', live: false });
  ends.push(device.close);
  const { id } = await device.collection('/api/tasks').put('mine', { title: 'mine' });
  expect(await device.sync()).toBe('level');
  const { replica } = device.device;
  const heads = await replica.store.heads();
  const own = replica.ownLog() ?? '';
  expect(heads.map(({ log }) => log).toSorted()).toEqual([own, ...replica.authorities()].toSorted());
  expect(replica.authorities()).toHaveLength(1);
  expect(await replica.view.account(own)).toBe('ann');
  expect(await device.settled(id)).toEqual({ state: 'accepted' });
});
