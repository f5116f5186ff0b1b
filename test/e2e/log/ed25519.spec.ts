import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import { build } from 'vite';
import type { Rolldown } from 'vite';

import type { Bytes } from '../../../core/log/bytes.ts';
import { fromHex } from '../../../core/log/bytes.ts';
import { verifySignature } from '../../../core/log/signature.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createNobleCrypto } from '../../../sw/crypto/noble-crypto.ts';
import { createWebCrypto } from '../../../sw/crypto/web-crypto.ts';
import { createAppServer } from '../../platform/app-server.ts';
import type { AppServer } from '../../platform/app-server.ts';
import { launchChromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import { needsChromium, needsFirefox, test } from '../../platform/scenario.ts';
import type { SignatureVector } from '../../vectors/signature-vectors.ts';

const VECTORS = readFileSync(new URL('../../vectors/signatures.json', import.meta.url), 'utf8');
const PAGE = "<!doctype html><title>verdicts</title><script>navigator.serviceWorker?.register('/worker.js')</script>";

test('LOG7 Chromium: WebCrypto and the fallback in a worker give every signature the verdict of Node', async ({
  scratch,
}) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('verdicts') }), (it) => it.kill());
  await browser.page(site.origin);
  await expectVerdicts(site);
  await browser.close();
});

test('LOG7 Firefox: WebCrypto and the fallback in a worker give every signature the verdict of Node', async ({
  scratch,
}) => {
  needsFirefox();
  const site = scratch.use(await createSite(), (it) => it.close());
  const browser = scratch.use(await launchFirefox({ profile: scratch.folder('verdicts') }), (it) => it.kill());
  await browser.page(site.origin);
  await expectVerdicts(site);
  await browser.close();
});

test('LOG7 a context without WebCrypto is recognised as one without Ed25519', async ({ scratch }) => {
  needsChromium();
  const site = scratch.use(await createSite(), (it) => it.close());
  // A site by http and another name than localhost is no secure context: it has no crypto.subtle at all.
  const args = ['--host-resolver-rules=MAP insecure.example 127.0.0.1'];
  const browser = scratch.use(await launchChromium({ profile: scratch.folder('insecure'), args }), (it) => it.kill());
  const page = await browser.page(`http://insecure.example:${site.port}/with-script.html`);
  expect(await page.eval('[isSecureContext, typeof crypto.subtle]')).toEqual([false, 'undefined']);
  expect(await page.eval('hasEd25519()')).toBe(false);
  await page.goto(`${site.origin}/with-script.html`);
  expect(await page.eval('hasEd25519()')).toBe(true);
  await browser.close();
});

async function createSite(): Promise<AppServer> {
  return createAppServer({
    '/index.html': PAGE,
    '/with-script.html': '<!doctype html><title>script</title><script src="/worker.js"></script>',
    '/worker.js': await buildWorker(),
    '/signatures.json': VECTORS,
  });
}

/** One classic script, as the product's own worker is built. */
async function buildWorker(): Promise<string> {
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      lib: {
        entry: fileURLToPath(new URL('verdicts-worker.ts', import.meta.url)),
        formats: ['iife'],
        name: 'verdicts',
      },
    },
  });
  const [output] = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[];
  const [chunk] = output?.output ?? [];
  if (chunk === undefined) throw new Error('nothing was built');
  return chunk.code;
}

async function expectVerdicts(site: AppServer): Promise<void> {
  const expected = (JSON.parse(VECTORS) as readonly SignatureVector[])
    .filter(({ valid }) => valid)
    .map(({ name }) => name);
  expect(expected.length).toBeGreaterThan(100);
  await site.evidence({ hasEd25519: true });
  for (const engine of ['WebCrypto', 'JavaScript fallback']) {
    const { valid } = await site.evidence({ engine }, 60_000);
    expect(valid, engine).toEqual(expected);
  }
  for (const signedBy of ['stored key pair', 'seed']) {
    const { exported, publicKey, message, signature } = await site.evidence({ signedBy });
    expect(exported).toBe('InvalidAccessError');
    for (const crypto of [createNodeCrypto(), createWebCrypto(), createNobleCrypto()]) {
      expect(await verifySignature(crypto, bytes(publicKey), bytes(message), bytes(signature)), signedBy).toBe(true);
    }
  }
}

function bytes(hex: unknown): Bytes {
  return (typeof hex === 'string' ? fromHex(hex) : undefined) ?? new Uint8Array(0);
}
