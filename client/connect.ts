import type { ConnectOptions } from './connect-worker.ts';
import { connectWorker } from './connect-worker.ts';
import type { Connection } from './connection.ts';
import { createConnection } from './connection.ts';
import { createRestEngine } from './engine/rest-engine.ts';
import { createWritable } from './readable.ts';

/**
 * Connects this page to its worker, which keeps everything; without service workers, to the server's own routes
 * (`status.engine` says which: PAGE7). Resolves when the engine answers. All pages of a site should give the same `space`,
 * `capture`, `shell` and `notification`: they are settings of its one worker.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  return (await connectWorker(options)) ?? connectRest(options);
}

function connectRest({ auth, updates = 'live', capture = [] }: ConnectOptions): Connection {
  return createConnection({
    engine: createRestEngine(auth),
    newVersion: createWritable(false),
    updates,
    capture,
    enableNotifications: () => Promise.resolve('unsupported'),
  });
}
