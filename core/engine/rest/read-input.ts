import { isStorableJson, parseJson } from '../../log/body.ts';
import { MAX_BODY_BYTES } from '../../log/limits.ts';
import { isJsonObject } from './merge-patch.ts';
import type { JsonObject } from './merge-patch.ts';
import { errorResponse } from './rest-message.ts';
import type { RestRequest, RestResponse } from './rest-message.ts';

/** What a request brings, or the answer that refuses it. */
export type Input<Value> = { readonly value: Value } | { readonly refusal: RestResponse };

/** `application/json`, `application/merge-patch+json` and their like, with any parameters. */
const JSON_TYPE = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;
/** Printable ASCII, as an HTTP header carries it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The object in a request's body, or why it cannot be taken (CAP25). The cheap checks come first. */
export function readInput({ headers, body }: RestRequest): Input<JsonObject> {
  if (body.length > MAX_BODY_BYTES) {
    return refuse(errorResponse('too-large', `a body has at most ${MAX_BODY_BYTES} bytes, this one ${body.length}`));
  }
  if (!JSON_TYPE.test(headers('content-type') ?? '')) {
    return refuse(
      errorResponse('unsupported-media-type', 'a collection takes JSON: send content-type: application/json'),
    );
  }
  const value = parseJson(body);
  if (!isJsonObject(value)) return refuse(errorResponse('malformed', 'the body has to be one JSON object, in UTF-8'));
  if (!isStorableJson(value)) {
    return refuse(errorResponse('invalid-entry', 'deeper than 64 levels, an endless number, or a member __proto__'));
  }
  return { value };
}

/** The request's Idempotency-Key; undefined when it has none. */
export function readIdempotencyKey(headers: RestRequest['headers']): Input<string | undefined> {
  const value = headers('idempotency-key');
  if (value === undefined || IDEMPOTENCY_KEY.test(value)) return { value };
  return refuse(errorResponse('malformed', 'an Idempotency-Key has 1 to 255 printable ASCII characters'));
}

function refuse(refusal: RestResponse): { readonly refusal: RestResponse } {
  return { refusal };
}
