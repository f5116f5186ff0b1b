import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { InlineConfig } from 'vite';

/** The bench's worker, one classic script as the product's is. Not minified, so that profiles name functions. */
export function bundleBenchWorker(): Promise<string> {
  return bundle({
    configFile: false,
    build: {
      target: 'es2022',
      minify: false,
      lib: { entry: path('test/bench/worker/bench-worker.ts'), formats: ['iife'], name: 'bench' },
    },
  });
}

/** `dist/sw.js`, as it is built for the package. */
export function bundleProductWorker(): Promise<string> {
  return bundle({ configFile: path('vite.config.ts'), mode: 'sw', build: { sourcemap: false } });
}

/** `wakelog/client` as one module, as an app's own bundler would make it. */
export function bundleClient(): Promise<string> {
  return bundle({
    configFile: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { target: 'es2022', lib: { entry: path('client/index.ts'), formats: ['es'] } },
  });
}

async function bundle(config: InlineConfig): Promise<string> {
  const root = path('');
  const result = await build({
    root,
    publicDir: false,
    logLevel: 'warn',
    ...config,
    build: { ...config.build, write: false },
  });
  const [first] = Array.isArray(result) ? result : [result];
  const chunk =
    first !== undefined && 'output' in first ? first.output.find(({ type }) => type === 'chunk') : undefined;
  if (chunk?.type !== 'chunk') throw new Error('nothing was built');
  return chunk.code;
}

function path(inRepository: string): string {
  return fileURLToPath(new URL(`../../../${inRepository}`, import.meta.url));
}
