import type { PageHint, PageScope, PageStatus } from '../../core/protocol/page-messages.ts';
import type { Readable } from '../readable.ts';
import { createWritable } from '../readable.ts';
import type { Ask } from './ask.ts';
import { followHints } from './hints.ts';
import { createListeners } from './listeners.ts';
import type { AuthHook, Change } from './page-engine.ts';

export interface WorkerSession {
  readonly status: Readable<PageStatus>;
  readonly follow: (listener: (change: Change) => void) => () => void;
  /** What this page shows may be old: everybody who follows reads again. */
  readonly readAgain: () => void;
  readonly signIn: () => Promise<void>;
  readonly close: () => void;
}

export interface SessionOptions {
  readonly ask: Ask;
  readonly scope: PageScope;
  readonly updates: 'hold' | 'live';
  readonly auth: AuthHook | undefined;
}

/**
 * What a page and a worker keep up between them: the greeting, which a worker that started anew gets again, the hints, and
 * the headers that the server wants (PAGE3). Rejects when no worker answers the greeting.
 */
export async function openSession({ ask, scope, updates, auth }: SessionOptions): Promise<WorkerSession> {
  const changes = createListeners<Change>();
  const hello = async (fresh: boolean): Promise<PageStatus> => {
    // A hook that fails now (no network, say) takes nothing away: the headers of an earlier page may still do.
    const headers = auth === undefined ? {} : await auth().catch(() => null);
    return ask('hello', { ...scope, updates, fresh, headers });
  };

  // Followed before the worker is greeted, so that nothing falls between its answer and the first hint.
  const early: PageHint[] = [];
  let onHint = (hint: PageHint): void => void early.push(hint);
  let onGap = (_newLife: boolean): void => {};
  const stopHints = followHints(scope, { onHint: (hint) => onHint(hint), onGap: (newLife) => onGap(newLife) });
  const first = await hello(true).catch((error: unknown) => {
    stopHints();
    throw error;
  });

  const status = createWritable(first);
  /** The worker did not take the headers that it asked for: its disk failed, say. They are brought again (PAGE10). */
  let owesHeaders = false;
  const readAgain = (): void => {
    changes.tell({ keys: 'all' });
    quietly(ask('status', scope).then(status.set));
    if (owesHeaders) quietly(signIn());
  };
  let signingIn: Promise<void> | undefined;
  const signIn = (): Promise<void> =>
    (signingIn ??= (async () => {
      owesHeaders = true;
      status.set(await hello(false));
      owesHeaders = false;
      await ask('sync', { ...scope, why: 'signed-in' });
    })().finally(() => (signingIn = undefined)));

  onHint = (hint) => {
    if (hint.type === 'changed') changes.tell(hint);
    else if (hint.type === 'reset') readAgain();
    else if (hint.type === 'needs-auth') {
      if (auth !== undefined) quietly(signIn());
    } else {
      const before = status.getSnapshot();
      status.set(hint.status);
      // Marks of waiting and of refused items come off, wherever they are shown; no key changed for that.
      const same = hint.status.unsent === before.unsent && hint.status.refused.length === before.refused.length;
      if (!same) changes.tell({ keys: 'all' });
    }
  };
  onGap = (newLife) => {
    // A worker that started anew learns from the page that is here whose requests these are.
    if (newLife) quietly(hello(false).then(status.set));
    readAgain();
  };
  for (const hint of early) onHint(hint);
  // The hint that asked for headers was for a page before this one; the greeting has brought them.
  if (first.connection === 'needs-auth' && auth !== undefined) quietly(ask('sync', { ...scope, why: 'signed-in' }));
  return { status, follow: changes.follow, readAgain, signIn, close: stopHints };
}

/** For work that is done again at the next hint, focus or visibility when it fails now. */
export function quietly(work: Promise<unknown>): void {
  work.catch(() => {});
}
