import type { Request, RequestHandler, Response } from 'express';
import { SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import { checkIsReader, readLiveQuery } from '../sync/live-query.ts';
import type { LiveSink, LiveTimings } from '../sync/live-session.ts';
import { LIVE_TIMINGS, openLiveSession } from '../sync/live-session.ts';
import type { RouteContext } from './context.ts';
import { route } from './replies.ts';

/** `GET {mount}/live?space&account&device&cursor`: frames of sync responses as entries arrive (SYNC13). */
export function liveRoute(context: RouteContext, timings: LiveTimings = LIVE_TIMINGS): RequestHandler {
  return route('cbor', context.log, async (request, response) => {
    context.guards.checkSite(request);
    const { party, cursor } = readLiveQuery(queryOf(request));
    const checkMayRead = async (): Promise<void> => checkIsReader(await context.sessionOf(request), party);
    await checkMayRead();
    await context.spaces.use(party.space, async (space) => {
      const { live } = context;
      const session = openLiveSession({ space, party, cursor, live, now: context.sync.now, checkMayRead, timings });
      response.once('close', session.end);
      // Whoever went away while it was found out who reads is told of no more.
      if (response.destroyed) session.end();
      response
        .status(200)
        .set({ 'content-type': SYNC_CONTENT_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
      try {
        await session.serve(createSink(response));
      } finally {
        response.end();
      }
    });
  });
}

function queryOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'http://localhost').searchParams;
}

function createSink(response: Response): LiveSink {
  return {
    write: (bytes) => response.write(bytes),
    drained: () => drained(response),
    isStalled: () => response.writableNeedDrain,
    cut: () => response.destroy(),
  };
}

function drained(response: Response): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
