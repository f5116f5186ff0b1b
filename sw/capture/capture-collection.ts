import { unsentOf } from '../../core/engine/page-item.ts';
import { handleCollectionRequest } from '../../core/engine/rest/collection.ts';
import { errorResponse } from '../../core/engine/rest/rest-message.ts';
import type { RestRequest, RestResponse } from '../../core/engine/rest/rest-message.ts';
import type { Device } from '../../core/engine/device.ts';
import { StorageGone } from '../../core/log/row-store.ts';
import type { PageScope } from '../../core/protocol/page-messages.ts';
import type { Devices } from '../devices.ts';
import { failureCode } from '../failure-code.ts';
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
  const { devices, handOver, sender } = parts;
  let scope: PageScope | undefined;
  try {
    scope = await whoseRequest(event, parts);
    if (scope !== undefined) await devices.use(scope, async () => undefined);
  } catch (error) {
    // Emptied this moment, and back the next: the server does not know what the device has answered under the same key (CAP26).
    if (error instanceof StorageGone) return toResponse(explain(error));
    scope = undefined;
  }
  if (scope === undefined) return fetch(event.request);
  const request = await readRequest(event.request);
  // Made once for each request: the device may be asked a second time, with the item there already.
  const id = crypto.randomUUID();
  const answer = await devices.use(scope, (device) => answerFrom(device, collection, request, id)).catch(explain);
  const isWrite = request.method !== 'GET' && request.method !== 'HEAD' && answer.status < 300;
  if (isWrite) event.waitUntil(handOver.whileInCharge(sender.send(scope, 'write')));
  return toResponse(answer);
}

/** A tab's own account; of what is no tab (an address typed in, a page's worker), that of the tab that was opened last. */
async function whoseRequest(
  { clientId, request }: FetchEvent,
  { memory, presence }: CaptureParts,
): Promise<PageScope | undefined> {
  if (clientId === '' || request.mode === 'navigate') return memory.session();
  return presence.whose(clientId);
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

async function answerFrom(
  { replica }: Device,
  collection: string,
  request: RestRequest,
  id: string,
): Promise<RestResponse> {
  return handleCollectionRequest(replica, collection, request, {
    newId: () => id,
    isQueued: async (version) => (await unsentOf(replica))(version),
  });
}

function explain(error: unknown): RestResponse {
  return errorResponse(failureCode(error), error instanceof Error ? error.message : undefined);
}

function toResponse({ status, headers, body }: RestResponse): Response {
  return new Response(body.length === 0 ? null : body, { status, headers });
}
