import { defineConfig } from 'vite';

/**
 * The built files that a site serves as they are: classic scripts (IIFE), so that a plain script tag and
 * `register('sw.js')` without `type: 'module'` work everywhere. One vite mode builds one file.
 */
const ENTRY_BY_FILE: Readonly<Record<string, string>> = {
  wakelog: 'client/script-tag.ts',
  sw: 'sw/worker.ts',
  'sw-ed25519': 'sw/worker-with-fallback.ts',
};

export default defineConfig(({ mode }) => {
  const entry = ENTRY_BY_FILE[mode];
  if (entry === undefined) throw new Error(`vite --mode must be one of ${Object.keys(ENTRY_BY_FILE).join(', ')}`);
  return {
    publicDir: false,
    logLevel: 'warn',
    // Library builds leave NODE_ENV alone; workbox would ship its development logs without this.
    define: { 'process.env.NODE_ENV': '"production"' },
    // The build that the package names first is ES5 and 1 KB (gzip) larger, an eighth of the script tag's budget.
    // workbox-background-sync brings an older idb of its own, which does nothing that ours does not.
    resolve: { alias: { 'workbox-window': 'workbox-window/build/workbox-window.prod.mjs' }, dedupe: ['idb'] },
    build: {
      target: 'es2022',
      outDir: 'dist',
      emptyOutDir: false,
      sourcemap: true,
      // 3 % smaller than what vite does by itself, and the worker has a budget (decision 0008).
      minify: 'terser',
      terserOptions: { compress: { passes: 2, ecma: 2020 }, ecma: 2020 },
      rolldownOptions: { checks: { bundlerTimings: false } },
      lib: { entry, formats: ['iife'], name: 'wakelog', fileName: () => `${mode}.js` },
    },
  };
});
