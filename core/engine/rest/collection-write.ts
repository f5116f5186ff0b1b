import type { Json } from '../../log/body.ts';
import { isKey } from '../../log/body.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Item, Version } from '../../views/key-value/item.ts';
import { recall, remember } from '../entry-memory.ts';
import type { Appended, Draft, Replica } from '../replica.ts';
import { isReachableId, itemPath } from './collection-path.ts';
import type { RestTarget } from './collection-path.ts';
import { allowsWrite, itemTag, liveIds, readConditions } from './conditions.ts';
import type { Conditions } from './conditions.ts';
import { mergePatch } from './merge-patch.ts';
import type { JsonObject } from './merge-patch.ts';
import { idToText, presentItem, stateHeaders, withId } from './present-item.ts';
import { readIdempotencyKey, readInput } from './read-input.ts';
import type { Input } from './read-input.ts';
import { oneAtATime, requestName } from './request-memory.ts';
import type { Remembered } from './request-memory.ts';
import { emptyResponse, errorResponse, jsonResponse } from './rest-message.ts';
import type { RestOptions, RestRequest, RestResponse } from './rest-message.ts';

/** A write that is well formed; whether it goes ahead depends on the item's state at its turn. */
interface Intent {
  readonly method: string;
  readonly collection: string;
  readonly id: string;
  readonly key: string;
  /** Undefined for DELETE. */
  readonly input: JsonObject | undefined;
  readonly conditions: Conditions;
  /** The named value that remembers a request with an Idempotency-Key. */
  readonly memory: string | undefined;
}

/** What a write comes to: the answer's status, and what the item becomes. */
interface Outcome {
  readonly status: number;
  /** Undefined: it is deleted. */
  readonly value: JsonObject | undefined;
}

type Refusal = { readonly error: ErrorCode } | { readonly again: Remembered };

export async function writeItem(
  replica: Replica,
  collection: string,
  target: RestTarget,
  request: RestRequest,
  options: RestOptions,
): Promise<RestResponse> {
  const read = readIntent(replica, collection, target, request, options);
  if ('refusal' in read) return read.refusal;
  const intent = read.value;
  const perform = (): Promise<RestResponse> => performWrite(replica, intent, options);
  return intent.memory === undefined ? perform() : oneAtATime(replica.store, intent.memory, perform);
}

function readIntent(
  replica: Replica,
  collection: string,
  target: RestTarget,
  request: RestRequest,
  { newId, account = replica.account }: RestOptions,
): Input<Intent> {
  const { method, headers } = request;
  const idempotencyKey = readIdempotencyKey(headers);
  if ('refusal' in idempotencyKey) return idempotencyKey;
  const input: Input<JsonObject | undefined> = method === 'DELETE' ? { value: undefined } : readInput(request);
  if ('refusal' in input) return input;
  const named = input.value?.['id'];
  const given = idToText(named);
  if (named !== undefined && given === undefined && !(method === 'PATCH' && named === null)) {
    return { refusal: errorResponse('malformed', 'an id is a text or a number') };
  }
  if (target.kind === 'item' && given !== undefined && given !== target.id) {
    return { refusal: errorResponse('malformed', 'the id in the body is another than the one in the path') };
  }
  const id = target.kind === 'item' ? target.id : (given ?? newId());
  const key = `${collection}/${id}`;
  if (!isReachableId(id) || !isKey(key)) {
    return {
      refusal: errorResponse(
        'invalid-entry',
        'an id is well-formed Unicode, in UTF-8 at most 1024 bytes with its path',
      ),
    };
  }
  const memory = idempotencyKey.value === undefined ? undefined : requestName(account, idempotencyKey.value);
  return { value: { method, collection, id, key, input: input.value, conditions: readConditions(headers), memory } };
}

async function performWrite(replica: Replica, intent: Intent, options: RestOptions): Promise<RestResponse> {
  let outcome: Outcome | undefined;
  const appended = await replica.appendIf<Refusal>(async ({ item }) => {
    const again = intent.memory === undefined ? undefined : await recall<Remembered>(replica, intent.memory);
    if (again !== undefined) return { refuse: { again } };
    const present = await item(intent.key);
    const judged = judge(intent, present);
    if (!('value' in judged)) return { refuse: judged };
    outcome = judged;
    return toDraft(intent, judged, present);
  });
  if (!('refuse' in appended) && outcome !== undefined) return answerWrite(replica, intent, outcome, appended, options);
  const refusal = 'refuse' in appended ? appended.refuse : { error: 'internal' as const };
  return 'again' in refusal
    ? answerAgain(replica, intent, refusal.again, options)
    : errorResponse(refusal.error, undefined, await refusalHeaders(replica, intent));
}

/** What a write comes to in the present state (CAP23, CAP24). A missing item outranks its conditions, as RFC 9110 §13.2.1 wants. */
function judge({ method, collection, id, input, conditions }: Intent, present: Item | undefined): Outcome | Refusal {
  const shown = shownVersion(present);
  if (method === 'POST' && shown !== undefined) {
    // Nobody but this request can have made an item under an id that was made for it: it is asked again.
    return input?.['id'] === undefined ? { again: { method, collection, id, status: 201 } } : { error: 'already-exists' };
  }
  if ((method === 'PATCH' || method === 'DELETE') && shown === undefined) return { error: 'not-found' };
  const tag = shown === undefined || present === undefined ? undefined : itemTag(present);
  if (!allowsWrite(conditions, tag)) return { error: 'precondition-failed' };
  if (input === undefined) return { status: 204, value: undefined };
  const value = method === 'PATCH' ? (mergePatch(shown?.value, input) as JsonObject) : input;
  return { status: shown === undefined ? 201 : 200, value: withId(value, id) };
}

function shownVersion(item: Item | undefined): Version | undefined {
  const shown = item?.live[0];
  return shown?.deleted === false ? shown : undefined;
}

function toDraft(intent: Intent, { status, value }: Outcome, present: Item | undefined): Draft {
  const { key, id, memory, method, collection } = intent;
  // A quoted tag says that the writer saw every live version, so the write resolves them all.
  const parents =
    Array.isArray(intent.conditions.ifMatch) && present !== undefined ? { parents: liveIds(present) } : {};
  const write = value === undefined ? { key, deleted: true as const, ...parents } : { key, value, ...parents };
  if (memory === undefined) return { writes: [write] };
  const remembered: Remembered = { method, collection, id, status };
  return { writes: [write], values: (entry) => remember(memory, remembered, entry) };
}

async function answerWrite(
  replica: Replica,
  { collection, id, key }: Intent,
  { status, value }: Outcome,
  appended: Appended,
  { isQueued }: RestOptions,
): Promise<RestResponse> {
  const item = await replica.view.item(key);
  const written = item?.live.find((version) => version.id === appended.id);
  const headers = item === undefined ? {} : await stateHeaders([item], written, isQueued);
  if (value === undefined) return emptyResponse(status, headers);
  const location = status === 201 ? { location: itemPath(collection, id) } : {};
  // Somebody may have written again meanwhile: then the body is what this request wrote, and no tag of a later state.
  const tag = item !== undefined && item.live[0] === written ? { etag: `"${itemTag(item)}"` } : {};
  return jsonResponse(status, value, { ...headers, ...location, ...tag });
}

/** The answer to a request that was done before: what it came to then, with the item as it is now (CAP26). */
async function answerAgain(
  replica: Replica,
  intent: Intent,
  { method, collection, id, status }: Remembered,
  { isQueued }: RestOptions,
): Promise<RestResponse> {
  const sameItem = intent.method === 'POST' ? intent.input?.['id'] === undefined || intent.id === id : intent.id === id;
  if (method !== intent.method || collection !== intent.collection || !sameItem) {
    return errorResponse('malformed', 'this Idempotency-Key belongs to another request');
  }
  const item = await replica.view.item(`${collection}/${id}`);
  const headers = item === undefined ? {} : await stateHeaders([item], item.live[0], isQueued);
  if (status === 204) return emptyResponse(status, headers);
  const location = status === 201 ? { location: itemPath(collection, id) } : {};
  const shown = shownVersion(item);
  if (item === undefined || shown === undefined)
    return jsonResponse(status, { id } satisfies Json, { ...headers, ...location });
  return jsonResponse(status, presentItem(shown.value, id), { ...headers, ...location, etag: `"${itemTag(item)}"` });
}

async function refusalHeaders(replica: Replica, { key }: Intent): Promise<Record<string, string>> {
  const item = await replica.view.item(key);
  return item === undefined || shownVersion(item) === undefined ? {} : { etag: `"${itemTag(item)}"` };
}
