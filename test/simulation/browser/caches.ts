import { boundToProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** Cache Storage of one browser: texts under addresses. Part of the profile, beside its databases. */
export interface SimCaches {
  /** What programs see as `caches`. */
  readonly storage: object;
  readonly snapshot: () => CachesSnapshot;
  readonly restore: (snapshot: CachesSnapshot) => void;
  readonly clear: () => void;
}

export type CachesSnapshot = ReadonlyMap<string, ReadonlyMap<string, StoredResponse>>;

interface StoredResponse {
  readonly body: string;
  readonly status: number;
}

export function createCaches(world: World, random: SimRandom): SimCaches {
  let caches = new Map<string, Map<string, StoredResponse>>();

  /** Every call takes a moment, and comes to nothing for a program that is dead by then. */
  function soon<T>(body: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = boundToProcess(() => {
        try {
          resolve(body());
        } catch (error) {
          reject(error);
        }
      });
      world.after(random.between(0.1, 2), 'cache', run);
    });
  }

  const addressOf = (request: string | { readonly url: string }): string => (typeof request === 'string' ? request : request.url);

  function open(name: string): object {
    const entries = (): Map<string, StoredResponse> => {
      const found = caches.get(name) ?? new Map<string, StoredResponse>();
      caches.set(name, found);
      return found;
    };
    return {
      match: (request: string | { readonly url: string }) =>
        soon(() => {
          const found = entries().get(addressOf(request));
          return found && new Response(found.body, { status: found.status });
        }),
      async put(request: string | { readonly url: string }, response: Response) {
        const stored = { body: await response.text(), status: response.status };
        await soon(() => void entries().set(addressOf(request), stored));
      },
      delete: (request: string | { readonly url: string }) => soon(() => entries().delete(addressOf(request))),
      keys: () => soon(() => [...entries().keys()].map((url) => ({ url }))),
    };
  }

  const copy = (from: CachesSnapshot): Map<string, Map<string, StoredResponse>> =>
    new Map([...from].map(([name, entries]) => [name, new Map(entries)]));

  return {
    storage: {
      open: (name: string) => soon(() => open(name)),
      delete: (name: string) => soon(() => caches.delete(name)),
      has: (name: string) => soon(() => caches.has(name)),
      match: async (request: string | { readonly url: string }) => {
        for (const name of caches.keys()) {
          const found = await (open(name) as { match: (of: typeof request) => Promise<Response | undefined> }).match(request);
          if (found !== undefined) return found;
        }
        return undefined;
      },
    },
    snapshot: () => copy(caches),
    restore(snapshot) {
      caches = copy(snapshot);
    },
    clear() {
      caches = new Map();
    },
  };
}
