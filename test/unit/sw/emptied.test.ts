import { afterEach, expect, test, vi } from 'vitest';
import { StorageFull, StorageGone, StorageTooNew } from '../../../core/log/row-store.ts';
import { WakelogError } from '../../../core/protocol/errors.ts';
import type { CaptureParts } from '../../../sw/capture/capture-collection.ts';
import { answerCollection } from '../../../sw/capture/capture-collection.ts';
import { failureCode } from '../../../sw/failure-code.ts';

const SCOPE = { account: 'ann', space: 'garden' };

afterEach(() => vi.unstubAllGlobals());

/** What a page gets for a write that it sent to a worker of which these parts fail. */
async function answerTo(parts: { readonly whose?: unknown; readonly use?: unknown }): Promise<Response> {
  vi.stubGlobal('fetch', async () => new Response('of the server', { status: 201 }));
  const request = new Request('https://garden.example/api/tasks', { method: 'POST', body: '{}' });
  const event = { clientId: 'tab', request, waitUntil: () => undefined } as unknown as FetchEvent;
  const failing = {
    presence: { whose: async () => (parts.whose === undefined ? SCOPE : Promise.reject(parts.whose)) },
    devices: { use: async () => (parts.use === undefined ? undefined : Promise.reject(parts.use)) },
  };
  return answerCollection(event, '/api/tasks', failing as unknown as CaptureParts);
}

test('CAP36 SYNC9 a captured write that meets the emptying of the site is to be sent again, and no server takes it meanwhile', async () => {
  for (const parts of [{ whose: new StorageGone() }, { use: new StorageGone() }]) {
    const answer = await answerTo(parts);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: 'busy' });
  }
});

test('CAP31 where the databases of a browser cannot be opened at all, captured requests go to the server', async () => {
  const broken = new DOMException('The operation failed', 'UnknownError');
  for (const parts of [{ whose: broken }, { use: broken }, { use: new StorageTooNew() }]) {
    expect(await (await answerTo(parts)).text()).toBe('of the server');
  }
});

test('CAP36 SYNC9 PAGE2 a page is told which failure it was, and to ask again where the database just ended', () => {
  expect(failureCode(new StorageGone())).toBe('busy');
  expect(failureCode(new StorageTooNew())).toBe('busy');
  expect(failureCode(new StorageFull())).toBe('storage-full');
  expect(failureCode(new WakelogError('too-large'))).toBe('too-large');
  expect(failureCode(new TypeError())).toBe('internal');
});
