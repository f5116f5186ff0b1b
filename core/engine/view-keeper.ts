import type { KeyValueApi } from '../views/key-value/key-value-api.ts';
import { keyValueView } from '../views/key-value/key-value-view.ts';
import type { LogName } from '../log/version-vector.ts';
import type { ViewBuilder } from '../views/view-builder.ts';
import { openViewBuilder } from '../views/view-builder.ts';
import type { ReplicaOptions, ViewChange } from './replica.ts';
import { tell } from './tell.ts';
import type { Turns } from './turns.ts';

/**
 * The view's rows are written when nothing changed for so long, and so long after the first change that they lack at the
 * latest; a crash before costs folding again. Writing them in the middle of a great many changes would only slow these down.
 */
const VIEW_QUIET_MS = 1_000;
const VIEW_LATEST_MS = 5_000;

/** Keeps the base view level with the log, written, and its followers told. */
export interface ViewKeeper {
  /** The view as it stands; another object after a rebuild. */
  readonly current: () => ViewBuilder<KeyValueApi>;
  /** Tells followers of changed keys and has them written soon; of what was written here also when it changed no key. */
  readonly notify: (keys: Iterable<string>, origin: ViewChange['origin'], isFresh?: boolean) => void;
  readonly follow: (listener: (change: ViewChange) => void) => () => void;
  /** Folds what the log holds of the wanted logs, in a turn of its own; the keys that changed. */
  readonly advance: (origin: ViewChange['origin'], wanted: (log: LogName) => boolean) => Promise<readonly string[]>;
  /** Forgets the view and folds it anew. For a caller that has the turn. */
  readonly rebuild: () => Promise<void>;
  /** What is shown may be of a branch that counts no more: nothing is folded into it before it is built again. */
  readonly distrust: () => void;
  /** Something durable could not be folded: it is, before anything else. */
  readonly fallBehind: () => void;
  /** Folds what was fallen behind with, and builds again what is distrusted, or what another context set a log aside under. For a caller that has the turn. */
  readonly ensureTrust: (how: 'as known here' | 'as stored') => Promise<void>;
  readonly flush: () => Promise<void>;
}

export async function createViewKeeper(
  { store, viewStore, ports }: ReplicaOptions,
  turns: Turns,
  isAuthority: (log: LogName) => boolean,
  foldsNow: (log: LogName) => boolean,
): Promise<ViewKeeper> {
  const listeners = new Set<(change: ViewChange) => void>();
  let cancelWrite: (() => void) | undefined;
  let firstUnwrittenAt: number | undefined;
  let [trusted, behind] = [true, false];
  let builder = await open();

  function open(): Promise<ViewBuilder<KeyValueApi>> {
    return openViewBuilder(keyValueView, store, viewStore, ports.crypto, isAuthority);
  }

  function notify(keys: Iterable<string>, origin: ViewChange['origin'], isFresh = false): void {
    writeSoon();
    const change = { keys: [...keys], origin, isFresh };
    if (isFresh || change.keys.length > 0) tell(listeners, change);
  }

  function writeSoon(): void {
    const now = ports.clock.now();
    firstUnwrittenAt ??= now;
    cancelWrite?.();
    cancelWrite = ports.clock.after(Math.max(0, Math.min(VIEW_QUIET_MS, firstUnwrittenAt + VIEW_LATEST_MS - now)), () => {
      // A failed write of the view costs nothing but folding again; the next one tries anew.
      flush().catch(() => undefined);
    });
  }

  async function flush(): Promise<void> {
    cancelWrite?.();
    [cancelWrite, firstUnwrittenAt] = [undefined, undefined];
    await turns(async () => {
      await ensureTrust('as known here');
      if (await builder.flush()) return;
      // Another context of this device wrote the view meanwhile: go on from there.
      await reopen();
    });
  }

  async function rebuild(): Promise<void> {
    trusted = false;
    await viewStore.drop(keyValueView.name);
    notify(await reopen(), 'remote');
  }

  /** The view as it is stored, with what it lacks and this one showed. Readers have this one until it is whole. */
  async function reopen(): Promise<ReadonlySet<string>> {
    const next = await open();
    const changed = await next.advance(foldsNow, builder.folded());
    [builder, trusted, behind] = [next, true, false];
    return changed;
  }

  async function ensureTrust(how: 'as known here' | 'as stored'): Promise<void> {
    if (!trusted || (how === 'as stored' && !(await builder.isOfPresentBranches()))) await rebuild();
    if (!behind) return;
    notify(await builder.advance(foldsNow), 'remote');
    behind = false;
  }

  return {
    current: () => builder,
    notify,
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    advance: (origin, wanted) =>
      turns(async () => {
        await ensureTrust('as stored');
        const changed = await builder.advance(wanted);
        notify(changed, origin);
        return [...changed];
      }),
    rebuild,
    distrust() {
      trusted = false;
    },
    fallBehind() {
      behind = true;
    },
    ensureTrust,
    flush,
  };
}
