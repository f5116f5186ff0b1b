import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { closeServer, listen } from '../../platform/parts/listen.ts';

const PAGE = `<!doctype html><title>bench</title><script>
  const ready = navigator.serviceWorker.register('/worker.js', { updateViaCache: 'none' }).then(() => navigator.serviceWorker.ready);
  async function tell(command) {
    const { active } = await ready;
    const { port1, port2 } = new MessageChannel();
    const reply = new Promise((resolve) => port1.addEventListener('message', ({ data }) => resolve(data), { once: true }));
    port1.start();
    active.postMessage(command, [port2]);
    return reply;
  }
</script>`;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The page and the worker of the bench, and whatever routes a job adds, on one origin. */
export interface BenchSite {
  readonly origin: string;
  /** Answers a path, until replaced. */
  readonly route: (path: string, handler: Handler) => void;
  readonly close: () => Promise<void>;
}

export async function createBenchSite(): Promise<BenchSite> {
  const workerText = await bundleWorker();
  const routes = new Map<string, Handler>([
    ['/', (_request, response) => send(response, 'text/html; charset=utf-8', PAGE)],
    ['/worker.js', (_request, response) => send(response, 'text/javascript', workerText)],
  ]);
  const server = createServer((request, response) => {
    const handler = routes.get(new URL(request.url ?? '/', 'http://bench.invalid').pathname);
    if (handler === undefined) response.writeHead(404).end();
    else handler(request, response);
  });
  const port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    route: (path, handler) => void routes.set(path, handler),
    close: () => closeServer(server),
  };
}

export function send(response: ServerResponse, contentType: string, body: string | Uint8Array): void {
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
}

/** Built as the product's own worker is: one classic script. Not minified, so that profiles name functions. */
async function bundleWorker(): Promise<string> {
  const result = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      target: 'es2022',
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL('../worker/bench-worker.ts', import.meta.url)), formats: ['iife'], name: 'bench' },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  const chunk = first !== undefined && 'output' in first ? first.output.find(({ type }) => type === 'chunk') : undefined;
  if (chunk === undefined || chunk.type !== 'chunk') throw new Error('the bench worker was not built');
  return chunk.code;
}
