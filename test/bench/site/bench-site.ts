import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { closeServer, listen } from '../../platform/parts/listen.ts';
import { bundleBenchWorker, bundleClient, bundleProductWorker } from './bundles.ts';

/** Below `/bench/` the bench's own worker, so that the product's worker can have the rest of the site. */
const BENCH_PAGE = `<!doctype html><title>bench</title><script>
  const ready = navigator.serviceWorker
    .register('/bench/worker.js', { scope: '/bench/', updateViaCache: 'none' })
    .then(() => navigator.serviceWorker.ready);
  async function tell(command) {
    const { active } = await ready;
    const { port1, port2 } = new MessageChannel();
    const reply = new Promise((resolve) => port1.addEventListener('message', ({ data }) => resolve(data), { once: true }));
    port1.start();
    active.postMessage(command, [port2]);
    return reply;
  }
</script>`;

/** A site's page with the product in it: `wakelog/client` and `dist/sw.js`. */
const PRODUCT_PAGE = `<!doctype html><title>product</title><script type="module">
  import { connect } from '/client.js';
  window.connecting = connect({ account: 'bench', space: 'bench' });
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
  const [benchWorker, productWorker, client] = [
    await bundleBenchWorker(),
    await bundleProductWorker(),
    await bundleClient(),
  ];
  const script =
    (text: string): Handler =>
    (_request, response) =>
      send(response, 'text/javascript', text);
  const page =
    (text: string): Handler =>
    (_request, response) =>
      send(response, 'text/html; charset=utf-8', text);
  const routes = new Map<string, Handler>([
    ['/bench/', page(BENCH_PAGE)],
    ['/bench/worker.js', script(benchWorker)],
    ['/product', page(PRODUCT_PAGE)],
    ['/client.js', script(client)],
    ['/wakelog/sw.js', script(productWorker)],
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
  response
    .writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store', 'service-worker-allowed': '/' })
    .end(body);
}
