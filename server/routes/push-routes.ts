import type { Request, RequestHandler, Response } from 'express';
import type { Bytes } from '../../core/log/bytes.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { MAX_SUBSCRIPTION_BODY_BYTES, subscribe, unsubscribe } from '../push/push-requests.ts';
import type { Session } from '../sync/session.ts';
import type { RouteContext } from './context.ts';
import { mediaType } from './media-type.ts';
import { route, sendJson } from './replies.ts';

/** `GET {mount}/push/key`: `{ key }`, the VAPID public key to subscribe with. */
export function pushKeyRoute({ log, pushKey }: RouteContext): RequestHandler {
  return route('json', log, async (_request, response) => sendJson(response, 200, { key: pushKey }));
}

/** `POST {mount}/push/subscribe` with `{ account, device, space, subscription }` (PUSH1, PUSH5). */
export function subscribeRoute(context: RouteContext): RequestHandler {
  return route('json', context.log, async (request, response) => {
    const { session, body } = await readRequest(context, request, response);
    await subscribe(body, session, context.subscriptions, context.pusher.isAllowedEndpoint);
    sendJson(response, 200, { ok: true });
  });
}

/** `POST {mount}/push/unsubscribe` with `{ account, device, space }`. */
export function unsubscribeRoute(context: RouteContext): RequestHandler {
  return route('json', context.log, async (request, response) => {
    const { session, body } = await readRequest(context, request, response);
    await unsubscribe(body, session, context.subscriptions);
    sendJson(response, 200, { ok: true });
  });
}

async function readRequest(
  context: RouteContext,
  request: Request,
  response: Response,
): Promise<{ readonly session: Session; readonly body: Bytes }> {
  context.guards.checkSite(request);
  if (mediaType(request.headers['content-type']) !== 'application/json')
    throw new WakelogError('unsupported-media-type');
  const session = await context.sessionOf(request);
  return { session, body: await context.bodies.read(request, response, MAX_SUBSCRIPTION_BODY_BYTES) };
}
