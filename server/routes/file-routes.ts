import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RequestHandler } from 'express';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { Log } from '../log.ts';
import { OFF_WORKER } from './off-worker.ts';
import { route } from './replies.ts';

const HEADERS = {
  'content-type': 'text/javascript; charset=utf-8',
  // The worker itself is always asked for anew; a page's script may be kept as long as it is asked about.
  'cache-control': 'no-cache',
  'service-worker-allowed': '/',
};

/** The built files that a site's pages load: `wakelog.js`, `sw.js`, `sw-ed25519.js`. */
export const BROWSER_FILES = ['wakelog.js', 'sw.js', 'sw-ed25519.js'] as const;

export function fileRoute(file: (typeof BROWSER_FILES)[number], log: Log): RequestHandler {
  const root = join(packageFolder(), 'dist');
  return route('json', log, async (_request, response) => {
    if (!existsSync(join(root, file))) throw new WakelogError('not-found', `${file} is not built here`);
    await new Promise<void>((resolve, reject) => {
      response.sendFile(file, { root, headers: HEADERS, cacheControl: false }, (error: Error | undefined) => {
        if (error === undefined || response.destroyed) resolve();
        else reject(error);
      });
    });
  });
}

/** The kill switch: a worker in place of both worker files that takes itself away and leaves the data (CAP6). */
export function offWorkerRoute(log: Log): RequestHandler {
  return route('json', log, async (_request, response) => {
    response.status(200).set(HEADERS);
    response.end(OFF_WORKER);
  });
}

/** This package's own folder: the code runs from dist/lib when installed, and from its source in development. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'wakelog')
      return folder;
    if (dirname(folder) === folder) throw new Error('the package wakelog is not where its code runs');
    folder = dirname(folder);
  }
}
