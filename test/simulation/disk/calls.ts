/** How a storage call may fail: as browsers name it. */
export type StorageErrorName = 'UnknownError' | 'QuotaExceededError' | 'AbortError';

/** Every call of a database: openings, transactions begun, requests, commits. */
export interface CallLog {
  /** Notes one call; returns how it is to fail. */
  readonly note: (site: string) => StorageErrorName | undefined;
  readonly count: () => number;
  /** How often each group of call sites was met: `readwrite heads.put`, `strict commit heads,runs` … */
  readonly sites: () => ReadonlyMap<string, number>;
  /** The nth call from now on fails, 1 being the next; for want of room only when it writes. With `site`, only calls of that group count. Replaces what was set before. */
  readonly failAfter: (n: number, kind: StorageErrorName, site?: string) => void;
  /** A failure that is still to come does not. */
  readonly disarm: () => void;
  /** Whether a failure that was set is still to come. */
  readonly isArmed: () => boolean;
  /** The group of call sites that the last call that failed so was of. */
  readonly lastFailedSite: () => string | undefined;
}

export function createCallLog(): CallLog {
  const sites = new Map<string, number>();
  let count = 0;
  let lastFailedSite: string | undefined;
  let failure: { left: number; readonly kind: StorageErrorName; readonly site: string | undefined } | undefined;
  return {
    note(site) {
      count += 1;
      sites.set(site, (sites.get(site) ?? 0) + 1);
      if (failure === undefined || (failure.site ?? site) !== site) return undefined;
      failure.left -= 1;
      if (failure.left > 0) return undefined;
      const kind = asItFails(site, failure.kind);
      failure = undefined;
      lastFailedSite = site;
      return kind;
    },
    count: () => count,
    sites: () => sites,
    failAfter(n, kind, site) {
      if (!(n >= 1)) throw new RangeError('the next call is number 1');
      failure = { left: n, kind, site };
    },
    disarm() {
      failure = undefined;
    },
    isArmed: () => failure !== undefined,
    lastFailedSite: () => lastFailedSite,
  };
}

/** Only what writes finds no room. */
function asItFails(site: string, kind: StorageErrorName): StorageErrorName {
  return kind === 'QuotaExceededError' && !/^commit |\.(put|add)$/.test(site) ? 'UnknownError' : kind;
}
