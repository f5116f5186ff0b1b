import express from 'express';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { Log } from '../log.ts';
import { answerError, route } from './replies.ts';

/** A whole site for `wakelog serve`: Wakelog's routes, then the site's own files, then nothing. */
export function createSite(handler: RequestHandler, staticDir: string | undefined, log: Log): Express {
  const site = express();
  site.disable('x-powered-by');
  site.use(handler);
  // Always asked about: a new version of a page must not wait for a cache. Offline copies are the worker's.
  if (staticDir !== undefined)
    site.use(
      express.static(staticDir, {
        cacheControl: false,
        setHeaders: (response) => response.setHeader('cache-control', 'no-cache'),
      }),
    );
  site.use(
    route('json', log, async () => {
      throw new WakelogError('not-found');
    }),
  );
  const onError: ErrorRequestHandler = (error, request, response, _next) => {
    // Express and its static files throw for paths that do not decode: the fault is the request's.
    const status = (error as { readonly status?: unknown }).status;
    const isTheirs = typeof status === 'number' && status >= 400 && status < 500;
    answerError('json', log, request, response, isTheirs ? new WakelogError('malformed') : error);
  };
  site.use(onError);
  return site;
}
