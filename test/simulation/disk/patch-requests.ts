import { inside } from './fake-internals.ts';
import type { TransactionInside } from './fake-internals.ts';
import { runInLane } from './present-disk.ts';

const METHODS = [
  'put',
  'add',
  'delete',
  'clear',
  'get',
  'getKey',
  'getAll',
  'getAllKeys',
  'getAllRecords',
  'count',
  'openCursor',
  'openKeyCursor',
] as const;

interface Source {
  readonly name: string;
  readonly transaction: TransactionInside;
}
type Method = (this: Source, ...args: unknown[]) => unknown;
interface Request {
  readonly source: Source | null;
  readonly operation: () => unknown;
  readonly request?: unknown;
}

/** The method that makes the request which is being made. */
let method = '';

/** Requests are counted and fail as the disk's call log says; values are copied by the disk's faster copy. */
export function patchRequests(): void {
  const stores = inside.ObjectStore.prototype as Record<string, Method>;
  for (const name of METHODS) {
    const original = stores[name];
    if (original === undefined) throw new Error(`fake-indexeddb has no ${name}`);
    stores[name] = function request(...args) {
      const { disk } = this.transaction.db._rawDatabase;
      if (disk === undefined) return original.apply(this, args);
      method = name;
      try {
        return runInLane(disk.lane, () => original.apply(this, args));
      } finally {
        method = '';
      }
    };
  }

  const transactions = inside.Transaction.prototype as TransactionInside & {
    _execRequestAsync(request: Request): unknown;
  };
  const { _execRequestAsync } = transactions;
  transactions._execRequestAsync = function countAndExecute(request) {
    const { disk } = this.db._rawDatabase;
    if (disk === undefined || request.source === null || this._state !== 'active') {
      return _execRequestAsync.call(this, request);
    }
    // As in a browser: whoever waits for anything but its requests comes too late.
    if (this.mode !== 'versionchange' && this.simActiveIn !== disk.events()) {
      throw new DOMException('the transaction is not active', 'TransactionInactiveError');
    }
    const failure = disk.calls.note(
      `${this.mode} ${request.source.name}.${method === '' ? 'cursor or index' : method}`,
    );
    if (method === 'put' || method === 'add') this.simPuts = true;
    if (failure === undefined) return _execRequestAsync.call(this, request);
    const operation = (): never => {
      throw new DOMException('simulated', failure);
    };
    return _execRequestAsync.call(this, { ...request, operation });
  };
}
