import type { PageScope } from '../../core/protocol/page-messages.ts';
import { findCollection } from '../../core/engine/rest/collection-path.ts';
import type { WorkerOptions } from '../options.ts';
import { worker } from '../global-scope.ts';
import type { CaptureParts } from './capture-collection.ts';
import { answerCollection } from './capture-collection.ts';
import type { Shell } from './shell.ts';
import type { UpdatesStreams } from './updates-stream.ts';

export interface FetchParts extends CaptureParts {
  readonly options: WorkerOptions;
  readonly shell: Shell | undefined;
  readonly streams: UpdatesStreams;
  /** A page began to read its stream; what it returns is called when the page stops. */
  readonly onStream: (scope: PageScope) => () => void;
}

/** Decides at once, by address and method alone, who answers a request; whatever is not ours is left alone (S2.1). */
export function listenFetch(parts: FetchParts): void {
  const { options, shell, streams, handOver } = parts;
  const respond = (event: FetchEvent, answering: Promise<Response>): void => {
    event.respondWith(answering);
    event.waitUntil(handOver.untilQuiet(answering));
  };
  worker.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (url.origin !== worker.location.origin) return;
    if (request.method === 'GET' && url.pathname === `${options.mount}/updates`) {
      const account = url.searchParams.get('account') ?? '';
      const space = url.searchParams.get('space') ?? '';
      respond(event, Promise.resolve(streams.open(parts.onStream({ account, space }))));
      return;
    }
    const collection = findCollection(options.capture, request.method, url.pathname);
    if (collection !== undefined) {
      respond(event, answerCollection(event, collection, parts));
      return;
    }
    const fromShell = shell?.answer(event);
    if (fromShell !== undefined) respond(event, fromShell);
  });
}
