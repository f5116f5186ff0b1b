import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Listens on 127.0.0.1 and returns the port; 0 lets the system choose. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/**
 * Listens on a free port below the range that Linux hands to outgoing connections. A port that must be closed and opened
 * again (a service restarted, a gate that refuses) can then not be taken meanwhile by some other socket.
 */
export async function listenOnLastingPort(server: Server): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      return await listen(server, randomInt(15_000, 32_000));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error('no free port between 15000 and 32000');
}

export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections();
  await closed;
}
