import type { RequestHandler } from 'express';
import { decodeSyncRequest, encodeSyncResponse } from '../../core/protocol/codec.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { MAX_FRAME_BYTES, SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import { answerSync } from '../sync/answer-sync.ts';
import type { RouteContext } from './context.ts';
import { route, sendCbor } from './replies.ts';

/** `POST {mount}/sync` (SYNC1). */
export function syncRoute(context: RouteContext): RequestHandler {
  const { log, guards, bodies } = context;
  return route('cbor', log, async (request, response) => {
    guards.checkSite(request);
    if (mediaType(request.headers['content-type']) !== SYNC_CONTENT_TYPE)
      throw new WakelogError('unsupported-media-type');
    const session = await context.sessionOf(request);
    const body = await bodies.read(request, response, MAX_FRAME_BYTES);
    const message = decodeSyncRequest(body);
    if (typeof message === 'string') throw new WakelogError(message);
    const answer = await answerSync(message, session, context.sync);
    sendCbor(response, 200, encodeSyncResponse(answer));
  });
}

/** A content type without its parameters, in lower case. */
export function mediaType(header: string | undefined): string | undefined {
  return header?.split(';')[0]?.trim().toLowerCase();
}
