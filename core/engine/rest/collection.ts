import { StorageFull } from '../../log/row-store.ts';
import { WakelogError } from '../../protocol/errors.ts';
import type { Item, Version } from '../../views/key-value/item.ts';
import { compareCreation } from '../../views/key-value/item.ts';
import type { Replica } from '../replica.ts';
import { pathToTarget, targetMethods } from './collection-path.ts';
import type { RestTarget } from './collection-path.ts';
import { writeItem } from './collection-write.ts';
import { isFresh, itemTag, readConditions } from './conditions.ts';
import { presentItem, stateHeaders } from './present-item.ts';
import { emptyResponse, errorResponse, jsonResponse, withoutBody } from './rest-message.ts';
import type { RestOptions, RestRequest, RestResponse } from './rest-message.ts';

/**
 * Answers one request to a REST collection, the same in the worker and at the server (design §10, CAP20–CAP29). A
 * collection is a path such as `/api/tasks`; its items are the keys `/api/tasks/<id>` that hold JSON objects. A write is
 * answered once it is durable and in the base view; what was decided from the present state (missing, existing, changed
 * since) is decided in the append's own turn. Expected failures are answers from the closed table; only a broken
 * environment throws.
 */
export async function handleCollectionRequest(
  replica: Replica,
  collection: string,
  request: RestRequest,
  options: RestOptions,
): Promise<RestResponse> {
  const target = pathToTarget(collection, request.path);
  if (target === undefined) return errorResponse('not-found');
  try {
    return await dispatch(replica, collection, target, request, options);
  } catch (error) {
    if (error instanceof StorageFull) return errorResponse('storage-full');
    if (!(error instanceof WakelogError)) throw error;
    return errorResponse(error.code, error.message, retryHeader(error.retryAfterMs));
  }
}

async function dispatch(
  replica: Replica,
  collection: string,
  target: RestTarget,
  request: RestRequest,
  options: RestOptions,
): Promise<RestResponse> {
  const allow = targetMethods(target).join(', ');
  if (!targetMethods(target).includes(request.method)) return errorResponse('method-not-allowed', undefined, { allow });
  if (request.method === 'OPTIONS') return emptyResponse(204, { allow });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return writeItem(replica, collection, target, request, options);
  }
  const response =
    target.kind === 'list'
      ? await readList(replica, collection, options)
      : await readItem(replica, `${collection}/${target.id}`, target.id, request, options);
  return request.method === 'HEAD' ? withoutBody(response) : response;
}

async function readList(replica: Replica, collection: string, options: RestOptions): Promise<RestResponse> {
  const prefix = `${collection}/`;
  const items = await replica.view.items(prefix);
  const shown = items.filter((item) => !item.live[0].deleted).sort((a, b) => compareCreation(a.created, b.created));
  const values = shown.map((item) => presentItem(item.live[0].value, item.key.slice(prefix.length)));
  return jsonResponse(200, values, await stateHeaders(items, lastOwn(replica, items), options.isQueued));
}

/** Acknowledgements cover a log from its beginning: of the own versions only the last can be the one that still waits. */
function lastOwn(replica: Replica, items: readonly Item[]): Version | undefined {
  const log = replica.ownLog();
  let last: Version | undefined;
  for (const { live } of items) {
    for (const version of live) {
      if (version.log === log && version.sequence > (last?.sequence ?? -1)) last = version;
    }
  }
  return last;
}

async function readItem(
  replica: Replica,
  key: string,
  id: string,
  request: RestRequest,
  options: RestOptions,
): Promise<RestResponse> {
  const item = await replica.view.item(key);
  if (item === undefined) return errorResponse('not-found');
  const [shown] = item.live;
  const headers = await stateHeaders([item], shown, options.isQueued);
  if (shown.deleted) return errorResponse('not-found', undefined, headers);
  const tag = itemTag(item);
  const tagged = { ...headers, etag: `"${tag}"` };
  return isFresh(readConditions(request.headers), tag)
    ? emptyResponse(304, tagged)
    : jsonResponse(200, presentItem(shown.value, id), tagged);
}

function retryHeader(retryAfterMs: number | undefined): Record<string, string> {
  return retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) };
}
