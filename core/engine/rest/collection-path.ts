/** Where a request to a collection points. */
export type RestTarget = { readonly kind: 'list' } | { readonly kind: 'item'; readonly id: string };

const LIST_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS'];
const ITEM_METHODS: readonly string[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export function targetMethods(target: RestTarget): readonly string[] {
  return target.kind === 'list' ? LIST_METHODS : ITEM_METHODS;
}

/**
 * What a URL path means in a collection such as `/api/tasks`: the list, or one item below it. Undefined for every other
 * path, one that is nested deeper or not well encoded too.
 */
export function pathToTarget(collection: string, path: string): RestTarget | undefined {
  if (path === collection || path === `${collection}/`) return { kind: 'list' };
  if (!path.startsWith(`${collection}/`)) return undefined;
  const segment = path.slice(collection.length + 1);
  const id = segment.includes('/') ? undefined : decodeSegment(segment);
  return id === undefined ? undefined : { kind: 'item', id };
}

export function itemPath(collection: string, id: string): string {
  return `${collection}/${encodeURIComponent(id)}`;
}

/** Whether an id can be reached by a URL: `.` and `..` never arrive, since URLs are resolved before they are sent. */
export function isReachableId(id: string): boolean {
  return id !== '' && id !== '.' && id !== '..';
}

/**
 * The collection that answers a request, among path prefixes: the longest that has a meaning for path and method.
 * Undefined: nothing of ours, to be passed on untouched (S2.1).
 */
export function findCollection(collections: readonly string[], method: string, path: string): string | undefined {
  let found: string | undefined;
  for (const collection of collections) {
    const target = pathToTarget(collection, path);
    if (target === undefined || !targetMethods(target).includes(method)) continue;
    if (found === undefined || collection.length > found.length) found = collection;
  }
  return found;
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
