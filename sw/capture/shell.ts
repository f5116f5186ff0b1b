import { NetworkFirst, StaleWhileRevalidate } from 'workbox-strategies';
import { isWhole, seal } from './sealed.ts';
import { collectFiles } from './shell-files.ts';

/**
 * Keeps the site's own documents and static files, so that a reload, a deep link and a second tab work without a network
 * (S2.8). Documents come from the network while it answers within the time limit; static files come from the cache and are
 * fetched again meanwhile.
 */
export interface Shell {
  /** Answers the request, or undefined: it is not for the shell. */
  readonly answer: (event: FetchEvent) => Promise<Response> | undefined;
  /** Fetches what open pages were loaded from before there was a worker. */
  readonly warm: (urls: readonly string[]) => Promise<void>;
  /** Forgets everything: pages may show what belongs to the account that left. */
  readonly clear: () => Promise<void>;
}

/** What a page cannot start without, and what it only looks worse without: many pictures must not push a page out. */
const SHELL = 'wakelog-shell';
const MEDIA = 'wakelog-media';
const NETWORK_TIMEOUT_S = 2.5;
const MOST_FILES = 200;
const MOST_FILE_BYTES = 5_242_880;
const CACHE_BY_DESTINATION: Readonly<Record<string, string>> = {
  script: SHELL,
  style: SHELL,
  manifest: SHELL,
  image: MEDIA,
  font: MEDIA,
};

type Plugin = NonNullable<NonNullable<ConstructorParameters<typeof NetworkFirst>[0]>['plugins']>[number];

/** Only whole, plain answers of the site itself, unless it says that they must not be kept. */
const keepable: Plugin = {
  cacheWillUpdate: async ({ response }) => (isKeepable(response) ? seal(response) : null),
  cacheDidUpdate: ({ cacheName }) => trim(cacheName),
  cachedResponseWillBeUsed: ({ cachedResponse }) => ifWhole(cachedResponse ?? undefined),
};

/** A page that was never visited: the nearest one above it, which is the app itself for most apps. */
const nearest: Plugin = {
  cachedResponseWillBeUsed: async ({ request, cachedResponse }) => cachedResponse ?? findNearest(new URL(request.url)),
};

export function createShell(mount: string): Shell {
  const documents = new NetworkFirst({
    cacheName: SHELL,
    networkTimeoutSeconds: NETWORK_TIMEOUT_S,
    plugins: [keepable, nearest],
  });
  const tag = `${mount}/wakelog.js`;

  return {
    answer(event) {
      const { request } = event;
      if (request.method !== 'GET' || request.headers.has('range')) return undefined;
      const { pathname } = new URL(request.url);
      // The routes under the mount are the server's; the script tag's file is the page's.
      if (pathname.startsWith(`${mount}/`) && pathname !== tag) return undefined;
      if (request.mode === 'navigate') return documents.handle({ event, request });
      const cacheName = CACHE_BY_DESTINATION[request.destination];
      if (cacheName === undefined) return undefined;
      return new StaleWhileRevalidate({ cacheName, plugins: [keepable] }).handle({ event, request });
    },
    async warm(urls) {
      for (const url of new Set(urls.map((each) => each.split('#')[0] ?? each))) {
        const response = await fetch(url, { headers: { accept: 'text/html' } }).catch(() => undefined);
        if (response === undefined || !isKeepable(response)) continue;
        const html = await response.clone().text();
        await keep(SHELL, url, response);
        await Promise.all(
          collectFiles(html, url).map(({ url: file, isMedia }) => warmFile(file, isMedia ? MEDIA : SHELL)),
        );
      }
      await Promise.all([SHELL, MEDIA].map(trim));
    },
    clear: async () => void (await Promise.all([SHELL, MEDIA].map((name) => caches.delete(name)))),
  };
}

async function warmFile(url: string, cacheName: string): Promise<void> {
  const cache = await caches.open(cacheName);
  if ((await ifWhole(await cache.match(url))) !== undefined) return;
  const response = await fetch(url).catch(() => undefined);
  if (response !== undefined && isKeepable(response)) await keep(cacheName, url, response);
}

async function keep(cacheName: string, url: string, response: Response): Promise<void> {
  const cache = await caches.open(cacheName);
  // No room: the page works without a network a little less, nothing is lost.
  const sealed = await seal(response);
  if (sealed !== null) await cache.put(url, sealed).catch(() => undefined);
}

function isKeepable(response: Response): boolean {
  if (response.status !== 200 || response.type !== 'basic' || response.redirected) return false;
  if (/\bno-store\b/i.test(response.headers.get('cache-control') ?? '')) return false;
  return Number(response.headers.get('content-length') ?? 0) <= MOST_FILE_BYTES;
}

async function findNearest({ origin, pathname }: URL): Promise<Response | undefined> {
  const cache = await caches.open(SHELL);
  for (let path = pathname; ; path = path.slice(0, path.replace(/\/$/, '').lastIndexOf('/') + 1)) {
    const found = await ifWhole(await cache.match(`${origin}${path}`, { ignoreSearch: true }));
    if (found !== undefined || path === '/') return found;
  }
}

async function ifWhole(kept: Response | undefined): Promise<Response | undefined> {
  return kept !== undefined && (await isWhole(kept)) ? kept : undefined;
}

const trimming = new Set<string>();
const untrimmed = new Set<string>();

/** Files that arrive while one trim is under way are left to one more after it, however many they are. */
async function trim(cacheName: string): Promise<void> {
  untrimmed.add(cacheName);
  if (trimming.has(cacheName)) return;
  trimming.add(cacheName);
  try {
    while (untrimmed.delete(cacheName)) await trimNow(cacheName);
  } finally {
    trimming.delete(cacheName);
  }
}

/** A cache lists its files in the order in which they were put. */
async function trimNow(cacheName: string): Promise<void> {
  const cache = await caches.open(cacheName);
  const kept = await cache.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST_FILES)).map((request) => cache.delete(request)));
}
