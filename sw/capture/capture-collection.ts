import { unsentOf } from '../../core/engine/page-item.ts';
import { handleCollectionRequest } from '../../core/engine/rest/collection.ts';
import { errorResponse } from '../../core/engine/rest/rest-message.ts';
import type { RestRequest, RestResponse } from '../../core/engine/rest/rest-message.ts';
import type { Device } from '../../core/engine/device.ts';
import type { PageScope } from '../../core/protocol/page-messages.ts';
import type { Devices } from '../devices.ts';
import type { HandOver } from '../hand-over.ts';
import type { WorkerMemory } from '../memory.ts';
import type { Presence } from '../presence.ts';
import type { Sender } from '../sender.ts';

export interface CaptureParts {
  readonly devices: Devices;
  readonly memory: WorkerMemory;
  readonly presence: Presence;
  readonly sender: Sender;
  readonly handOver: HandOver;
}

/**
 * Answers a request of a page to a REST collection from this device (design §10). Where it cannot be known whose it is, or
 * the device cannot be opened at all, it goes to the server, which answers the same routes.
 */
export async function answerCollection(event: FetchEvent, collection: string, parts: CaptureParts): Promise<Response> {
  const scope = await whoseRequest(event, parts);
  if (scope === undefined || !(await canOpen(parts.devices, scope))) return fetch(event.request);
  const request = await readRequest(event.request);
  // Made once for each request: the device may be asked a second time, with the item there already.
  const id = crypto.randomUUID();
  const answer = await parts.devices.use(scope, (device) => answerFrom(device, collection, request, id)).catch(explain);
  const isWrite = request.method !== 'GET' && request.method !== 'HEAD' && answer.status < 300;
  if (isWrite) event.waitUntil(parts.handOver.whileInCharge(parts.sender.send(scope, 'write')));
  return new Response(answer.body.length === 0 ? null : answer.body, {
    status: answer.status,
    headers: answer.headers,
  });
}

/** A tab's own account; of what is no tab (an address typed in, a page's worker), that of the tab that was opened last. */
async function whoseRequest(
  { clientId, request }: FetchEvent,
  { memory, presence }: CaptureParts,
): Promise<PageScope | undefined> {
  if (clientId === '' || request.mode === 'navigate') return memory.session();
  return presence.whose(clientId);
}

async function canOpen(devices: Devices, scope: PageScope): Promise<boolean> {
  try {
    return await devices.use(scope, async () => true);
  } catch {
    return false;
  }
}

async function readRequest(request: Request): Promise<RestRequest> {
  const body = new Uint8Array(await request.arrayBuffer());
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    headers: (name) => request.headers.get(name) ?? undefined,
    body,
  };
}

async function answerFrom({ replica }: Device, collection: string, request: RestRequest, id: string): Promise<RestResponse> {
  return handleCollectionRequest(replica, collection, request, {
    newId: () => id,
    isQueued: async (version) => (await unsentOf(replica))(version),
  });
}

function explain(error: unknown): RestResponse {
  return errorResponse('internal', error instanceof Error ? error.message : undefined);
}
