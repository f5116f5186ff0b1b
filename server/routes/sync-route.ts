import type { RequestHandler } from 'express';
import { WakelogError } from '../../core/protocol/errors.ts';
import { MAX_FRAME_BYTES, SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import { answerSyncBytes } from '../sync/answer-sync-bytes.ts';
import type { RouteContext } from './context.ts';
import { mediaType } from './media-type.ts';
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
    sendCbor(response, 200, await answerSyncBytes(body, session, context.sync));
  });
}
