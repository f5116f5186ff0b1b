import type { Request, RequestHandler, Response } from 'express';
import { Router } from 'express';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { CollectionSettings } from './collection-route.ts';
import { collectionRoute } from './collection-route.ts';
import type { RouteContext } from './context.ts';
import { BROWSER_FILES, fileRoute, offWorkerRoute } from './file-routes.ts';
import { liveRoute } from './live-route.ts';
import { pushKeyRoute, subscribeRoute, unsubscribeRoute } from './push-routes.ts';
import { answerError, route, sendJson } from './replies.ts';
import { syncRoute } from './sync-route.ts';

export interface RouterSettings extends CollectionSettings {
  readonly mount: string;
  readonly off: boolean;
}

const CBOR_PATHS: ReadonlySet<string> = new Set(['/sync', '/live']);

/** Every route of the server. What is not under the mount or in a collection is passed on. */
export function createRouter(context: RouteContext, settings: RouterSettings): Router {
  const { log } = context;
  const health = healthRoute(context);
  const mounted = Router({ caseSensitive: true });
  mounted.get('/healthz', health);
  mounted.use(createDoor(context, settings));
  mounted
    .route('/sync')
    .post(syncRoute(context))
    .all(wrongMethod(context, 'cbor', 'POST'));
  mounted
    .route('/live')
    .get(liveRoute(context))
    .all(wrongMethod(context, 'cbor', 'GET'));
  mounted
    .route('/push/key')
    .get(pushKeyRoute(context))
    .all(wrongMethod(context, 'json', 'GET'));
  mounted
    .route('/push/subscribe')
    .post(subscribeRoute(context))
    .all(wrongMethod(context, 'json', 'POST'));
  mounted
    .route('/push/unsubscribe')
    .post(unsubscribeRoute(context))
    .all(wrongMethod(context, 'json', 'POST'));
  for (const file of BROWSER_FILES) {
    const serve = settings.off && file !== 'wakelog.js' ? offWorkerRoute(log) : fileRoute(file, log);
    mounted
      .route(`/${file}`)
      .get(serve)
      .all(wrongMethod(context, 'json', 'GET'));
  }
  mounted.use(
    route('json', log, async (request) => {
      // A page asks for `updates` and its worker answers; here arrives who has none.
      throw new WakelogError(
        'not-found',
        request.path === '/updates' ? 'only a worker answers this, and there is none' : undefined,
      );
    }),
  );

  const router = Router({ caseSensitive: true });
  router.get('/healthz', health);
  router.use(settings.mount, mounted);
  router.use(settleHeaders, collectionRoute(context, settings));
  return router;
}

/** What every request under the mount passes first: a known name, a bearable rate, a server that is not stopping. */
function createDoor({ guards, checkRate, log }: RouteContext, { isStopping }: RouterSettings): RequestHandler {
  return (request, response, next) => {
    setHeaders(response);
    try {
      guards.checkHost(request);
      checkRate(request);
      if (isStopping()) throw new WakelogError('busy', 'the server is stopping');
    } catch (error) {
      answerError(CBOR_PATHS.has(request.path) ? 'cbor' : 'json', log, request, response, error);
      return;
    }
    next();
  };
}

const settleHeaders: RequestHandler = (_request, response, next) => {
  setHeaders(response);
  next();
};

/** Answers are data: never guessed to be a page, never embedded by another site. */
function setHeaders(response: Response): void {
  response.set({ 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' });
}

function wrongMethod({ log }: RouteContext, form: 'cbor' | 'json', allow: string): RequestHandler {
  return route(form, log, async (_request: Request, response) => {
    response.set('allow', allow);
    throw new WakelogError('method-not-allowed');
  });
}

/** For load balancers: answers under any name, says nothing of the data, and fails when the database does not answer. */
function healthRoute({ log, subscriptions, live, spaces }: RouteContext): RequestHandler {
  return route('json', log, async (_request, response) => {
    await subscriptions.get({ account: '', device: '', space: '' });
    sendJson(response, 200, { ok: true, live: live.count(), openSpaces: spaces.openCount() });
  });
}
