import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type { ServeCommand } from './cli/arguments.ts';
import { HELP, parseCommand } from './cli/arguments.ts';
import { loadHooks } from './cli/hooks.ts';
import { createReadableLines } from './cli/readable-lines.ts';
import type { WakelogHandler } from './index.ts';
import { wakelog } from './index.ts';
import { isLoopbackName } from './routes/guards.ts';
import { packageFolder } from './routes/file-routes.ts';
import { createSite } from './routes/site.ts';

/** A client that does not finish its headers or its request is not waited for longer. */
const HEADERS_WITHIN_MS = 15_000;
const REQUEST_WITHIN_MS = 150_000;
/** What is still running so long after the first signal is cut off. */
const STOP_WITHIN_MS = 10_000;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  switch (command.kind) {
    case 'help':
      console.log(HELP);
      return;
    case 'version':
      console.log(version());
      return;
    case 'wrong':
      fail(`${command.message}\nTry: wakelog --help`, 2);
      return;
    case 'serve':
      await serve(command).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error), 1));
  }
}

async function serve(command: ServeCommand): Promise<void> {
  const { host, port, dataDir, hooksFile, staticDir, vapidSubject, maxLiveConnections } = command;
  if (hooksFile === undefined && !isLoopbackName(host)) {
    throw new Error(
      `without --hooks everybody could read and write, so this server listens on loopback only, not on ${host}`,
    );
  }
  const log = createLog(command.jsonLog);
  const handler = await wakelog({
    dataDir,
    mount: command.mount,
    space: command.space,
    collections: command.collections,
    hosts: command.hosts,
    pushOrigins: command.pushOrigins,
    off: command.off,
    log,
    ...(hooksFile === undefined ? {} : await loadHooks(hooksFile)),
    ...(vapidSubject === undefined ? {} : { vapidSubject }),
    ...(maxLiveConnections === undefined ? {} : { maxLiveConnections }),
  });
  const server = createServer(createSite(handler, staticDir, log));
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  try {
    await listen(server, port, host);
  } catch (error) {
    await handler.close();
    throw error;
  }
  announce(command, server, log);
  stopOnSignal(server, handler, log);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' ? new Error(`port ${port} of ${host} is taken; choose another with --port`) : error,
      );
    });
    server.listen(port, host, resolve);
  });
}

function announce({ host, dataDir, jsonLog, off }: ServeCommand, server: Server, log: Logger): void {
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`;
  const state = off ? 'switched off: workers take themselves away' : 'ready';
  if (jsonLog) log.info({ url, port, dataDir }, state);
  else console.log(`wakelog ${state}: ${url} (data in ${dataDir})`);
}

/** The first signal lets requests finish and closes the database; the second ends at once. */
function stopOnSignal(server: Server, handler: WakelogHandler, log: Logger): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    const cut = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    handler
      .close()
      .then(() => {
        server.closeIdleConnections();
        return closed;
      })
      .then(() => clearTimeout(cut))
      .catch((error: unknown) => fail(error instanceof Error ? error.message : String(error), 1));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function createLog(asJson: boolean): Logger {
  const options = { name: 'wakelog' };
  // At once, not from a buffer: what is logged last before a crash is what matters.
  if (asJson) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(
    options,
    createReadableLines((text) => process.stderr.write(text)),
  );
}

function version(): string {
  return (JSON.parse(readFileSync(`${packageFolder()}/package.json`, 'utf8')) as { version: string }).version;
}

function fail(message: string, code: number): void {
  console.error(`wakelog: ${message}`);
  process.exitCode = code;
}
