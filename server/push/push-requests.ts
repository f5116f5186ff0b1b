import type { Json } from '../../core/log/body.ts';
import { isStorableJson, parseJson } from '../../core/log/body.ts';
import type { Bytes } from '../../core/log/bytes.ts';
import { asName, NotThisMessage } from '../../core/protocol/cbor.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { Session } from '../sync/session.ts';
import type { SubscriptionOwner, SubscriptionStore } from './subscription-store.ts';
import { readSubscription } from './subscription.ts';

/** Larger than any real subscription. */
export const MAX_SUBSCRIPTION_BODY_BYTES = 16_384;

type Fields = { readonly [name: string]: Json };

/** Takes `{ account, device, space, subscription }` (PUSH1); throws `not-found` for a subscription that is gone (PUSH5). */
export async function subscribe(
  body: Bytes,
  session: Session,
  subscriptions: SubscriptionStore,
  isAllowedEndpoint: (endpoint: string) => boolean,
): Promise<void> {
  const { owner, fields } = await readOwner(body, session);
  const subscription = readSubscription(fields['subscription'], isAllowedEndpoint);
  const outcome = await subscriptions.put(owner, subscription);
  if (outcome === 'gone') throw new WakelogError('not-found', 'the push service ended this subscription');
}

/** Takes `{ account, device, space }`. */
export async function unsubscribe(body: Bytes, session: Session, subscriptions: SubscriptionStore): Promise<void> {
  const { owner } = await readOwner(body, session);
  await subscriptions.remove(owner);
}

async function readOwner(
  body: Bytes,
  session: Session,
): Promise<{ readonly owner: SubscriptionOwner; readonly fields: Fields }> {
  const fields = toFields(parseJson(body));
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
