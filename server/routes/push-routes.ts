import type { Request, RequestHandler, Response } from 'express';
import type { Json } from '../../core/log/body.ts';
import { isStorableJson, parseJson } from '../../core/log/body.ts';
import { asName, NotThisMessage } from '../../core/protocol/cbor.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { SubscriptionOwner } from '../push/subscription-store.ts';
import { readSubscription } from '../push/subscription.ts';
import type { RouteContext } from './context.ts';
import { route, sendJson } from './replies.ts';
import { mediaType } from './sync-route.ts';

/** Larger than any real subscription. */
const MAX_SUBSCRIPTION_BODY_BYTES = 16_384;

type Fields = { readonly [name: string]: Json };

/** `GET {mount}/push/key`: `{ key }`, the VAPID public key to subscribe with. */
export function pushKeyRoute({ log, pushKey }: RouteContext): RequestHandler {
  return route('json', log, async (_request, response) => sendJson(response, 200, { key: pushKey }));
}

/** `POST {mount}/push/subscribe` with `{ account, device, space, subscription }` (PUSH1); `not-found` for one that is gone (PUSH5). */
export function subscribeRoute(context: RouteContext): RequestHandler {
  return route('json', context.log, async (request, response) => {
    const { owner, fields } = await readOwner(context, request, response);
    const subscription = readSubscription(fields['subscription'], context.pusher.isAllowedEndpoint);
    const outcome = await context.subscriptions.put(owner, subscription);
    if (outcome === 'gone') throw new WakelogError('not-found', 'the push service ended this subscription');
    sendJson(response, 200, { ok: true });
  });
}

/** `POST {mount}/push/unsubscribe` with `{ account, device, space }`. */
export function unsubscribeRoute(context: RouteContext): RequestHandler {
  return route('json', context.log, async (request, response) => {
    const { owner } = await readOwner(context, request, response);
    await context.subscriptions.remove(owner);
    sendJson(response, 200, { ok: true });
  });
}

async function readOwner(
  context: RouteContext,
  request: Request,
  response: Response,
): Promise<{ readonly owner: SubscriptionOwner; readonly fields: Fields }> {
  context.guards.checkSite(request);
  if (mediaType(request.headers['content-type']) !== 'application/json')
    throw new WakelogError('unsupported-media-type');
  const session = await context.sessionOf(request);
  const fields = toFields(parseJson(await context.bodies.read(request, response, MAX_SUBSCRIPTION_BODY_BYTES)));
  const owner = {
    account: readName(fields, 'account'),
    device: readName(fields, 'device'),
    space: readName(fields, 'space'),
  };
  if (session.account !== undefined && session.account !== owner.account) throw new WakelogError('account-mismatch');
  if (!(await session.read(owner.space))) throw new WakelogError('forbidden');
  return { owner, fields };
}

function toFields(value: Json | undefined): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isStorableJson(value))
    return value as Fields;
  throw new WakelogError('malformed');
}

function readName(fields: Fields, name: string): string {
  try {
    return asName(Object.hasOwn(fields, name) ? fields[name] : undefined);
  } catch (error) {
    if (error instanceof NotThisMessage) throw new WakelogError('malformed', `${name} is a text of 1 to 256 bytes`);
    throw error;
  }
}
