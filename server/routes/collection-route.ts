import type { RequestHandler } from 'express';
import { MAX_BODY_BYTES } from '../../core/log/limits.ts';
import { handleCollectionRequest } from '../../core/engine/rest/collection.ts';
import { findCollection } from '../../core/engine/rest/collection-path.ts';
import type { Replica } from '../../core/engine/replica.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { SERVER_ACCOUNT } from '../spaces/open-space.ts';
import type { Session } from '../sync/session.ts';
import type { RouteContext } from './context.ts';
import { route, writeHead } from './replies.ts';

export interface CollectionSettings {
  readonly space: string;
  readonly collections: readonly string[];
  /** The server is stopping: new requests are told to come back. */
  readonly isStopping: () => boolean;
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * REST collections for clients without a worker (curl, a first visit, an old browser): the same answers as the worker's;
 * writes become entries of the server's own log (design §10). Anything else is passed on.
 */
export function collectionRoute(
  context: RouteContext,
  { space, collections, isStopping }: CollectionSettings,
): RequestHandler {
  return (request, response, next) => {
    const path = request.baseUrl + request.path;
    const collection = findCollection(collections, request.method, path);
    if (collection === undefined) return next();
    const answer = route('json', context.log, async () => {
      context.guards.checkHost(request);
      context.checkRate(request);
      if (isStopping()) throw new WakelogError('busy', 'the server is stopping');
      const isRead = READS.has(request.method);
      if (!isRead) context.guards.checkSite(request);
      const session = await context.sessionOf(request);
      if (!(await (isRead ? session.read(space) : session.write(space)))) throw new WakelogError('forbidden');
      const body = isRead ? new Uint8Array(0) : await context.bodies.read(request, response, MAX_BODY_BYTES);
      const headers = (name: string): string | undefined => request.get(name);
      const result = await context.spaces.use(space, async (open) => {
        if (!isRead) await open.prepareOwnLog();
        const replica = withValidator(open.replica, context, session);
        const ask = { method: request.method, path, headers, body };
        const options = { newId: () => crypto.randomUUID(), account: session.account ?? SERVER_ACCOUNT };
        const before = await open.store.position();
        const answered = await handleCollectionRequest(replica, collection, ask, options);
        await open.cover();
        if (!isRead && (await open.store.position()) > before) context.pusher.notify(space, undefined);
        return answered;
      });
      writeHead(response, result.status, result.headers);
      response.end(result.body.length > 0 ? result.body : undefined);
    });
    answer(request, response, next);
  };
}

/** The app's validator judges these writes before they are entries: there is nothing to refuse later (SYNC8). */
function withValidator(replica: Replica, { sync: { validate } }: RouteContext, session: Session): Replica {
  if (validate === undefined) return replica;
  return {
    ...replica,
    appendIf: (prepare) =>
      replica.appendIf(async (draftContext) => {
        const draft = await prepare(draftContext);
        if ('refuse' in draft) return draft;
        const writes = draft.writes.map((write) =>
          'deleted' in write ? (['delete', write.key, []] as const) : (['put', write.key, write.value, []] as const),
        );
        const objection = await validate({
          space: replica.space,
          account: session.account ?? SERVER_ACCOUNT,
          id: '',
          log: replica.ownLog() ?? '',
          sequence: -1,
          clock: Date.now(),
          body: { writes },
        });
        if (objection !== undefined) throw new WakelogError('invalid-entry', `${objection.code}: ${objection.reason}`);
        return draft;
      }),
  };
}
