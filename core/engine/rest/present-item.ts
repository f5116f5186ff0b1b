import type { Json } from '../../log/body.ts';
import type { Item, Version } from '../../views/key-value/item.ts';
import { isJsonObject } from './merge-patch.ts';
import type { JsonObject } from './merge-patch.ts';

/** An item as REST readers get it: the stored object with its id. What is stored as no object is given as `value`. */
export function presentItem(value: Json, id: string): JsonObject {
  return isJsonObject(value) ? withId(value, id) : { id, value };
}

/** The object with the id as its `id`; an id that was given as a number stays one. */
export function withId(value: JsonObject, id: string): JsonObject {
  return idToText(value['id']) === id ? value : { ...value, id };
}

/** The text that an `id` stands for, or undefined when it can be none. */
export function idToText(id: Json | undefined): string | undefined {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** Flags on an answer: a version in it waits for a server (CAP27), items in it have versions that nobody resolved (CAP28). */
export async function stateHeaders(
  items: readonly Item[],
  newest: Version | undefined,
  isQueued: ((version: Version) => Promise<boolean>) | undefined,
): Promise<Record<string, string>> {
  const queued = newest !== undefined && isQueued !== undefined && (await isQueued(newest));
  return {
    ...(queued ? { 'wakelog-queued': 'true' } : {}),
    ...(items.some((item) => item.conflict) ? { 'wakelog-conflict': 'true' } : {}),
  };
}
