/**
 * What a stand-in saw, in order, with a way to await the next or a past event. Tests wait on evidence, never on time.
 */
export interface EventLog<Events extends object> {
  note<Kind extends keyof Events>(kind: Kind, detail: Events[Kind]): void;
  /** Every event of a kind so far, oldest first. */
  all<Kind extends keyof Events>(kind: Kind): Events[Kind][];
  /** A place in the log; pass it as `after` to ignore everything noted before. */
  mark(): number;
  /** The first event that matches, past ones included. Rejects after `withinMs` with what was seen instead. */
  until<Kind extends keyof Events>(
    kind: Kind,
    matches?: (detail: Events[Kind]) => boolean,
    options?: UntilOptions,
  ): Promise<Events[Kind]>;
}

export interface UntilOptions {
  /** Default 0: the whole log counts. */
  readonly after?: number;
  /** Default 15 s. */
  readonly withinMs?: number;
}

interface Entry<Events> {
  readonly kind: keyof Events;
  readonly detail: Events[keyof Events];
}

export function createEventLog<Events extends object>(name: string): EventLog<Events> {
  const entries: Entry<Events>[] = [];
  const waiters = new Set<() => void>();

  return {
    note(kind, detail) {
      entries.push({ kind, detail });
      for (const look of waiters) look();
    },
    all: <Kind extends keyof Events>(kind: Kind) =>
      entries.filter((entry) => entry.kind === kind).map((entry) => entry.detail as Events[Kind]),
    mark: () => entries.length,
    until<Kind extends keyof Events>(
      kind: Kind,
      matches: (detail: Events[Kind]) => boolean = () => true,
      { after = 0, withinMs = 15_000 }: UntilOptions = {},
    ) {
      const { promise, resolve, reject } = Promise.withResolvers<Events[Kind]>();
      const look = (): void => {
        const hit = entries.find(
          (entry, index) => index >= after && entry.kind === kind && matches(entry.detail as Events[Kind]),
        );
        if (hit !== undefined) settle(() => resolve(hit.detail as Events[Kind]));
      };
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        waiters.delete(look);
        finish();
      };
      const timer = setTimeout(() => {
        const message = `${name}: no "${String(kind)}" within ${withinMs} ms; seen: ${summary(entries)}`;
        settle(() => reject(new Error(message)));
      }, withinMs);
      waiters.add(look);
      look();
      return promise;
    },
  };
}

function summary<Events>(entries: readonly Entry<Events>[]): string {
  const last = entries
    .slice(-12)
    .map((entry) => `${String(entry.kind)} ${JSON.stringify(entry.detail)?.slice(0, 120)}`);
  return last.length === 0 ? 'nothing' : last.join(' | ');
}
