import type { Bytes } from '../../../core/log/bytes.ts';
import { fromHex, toHex, utf8 } from '../../../core/log/bytes.ts';
import type { Crypto } from '../../../core/log/crypto.ts';
import { verifySignature } from '../../../core/log/signature.ts';
import { hasEd25519 } from '../../../sw/crypto/has-ed25519.ts';
import { createNobleCrypto, generateNobleSeed, seedToNobleWriterKey } from '../../../sw/crypto/noble-crypto.ts';
import { createWebCrypto } from '../../../sw/crypto/web-crypto.ts';
import type { WriterKeyPair } from '../../../sw/crypto/web-writer-key.ts';
import { generateWriterKeyPair, pairToWriterKey } from '../../../sw/crypto/web-writer-key.ts';
import type { SignatureVector } from '../../vectors/signature-vectors.ts';

/*
 * A service worker that judges the vectors with both engines it has, and signs with both kinds of key. It reports by
 * POST /evidence. Loaded by a page instead, it only offers `hasEd25519`.
 */

Object.assign(globalThis, { hasEd25519 });

addEventListener('install', (event) => {
  (event as ExtendableEvent).waitUntil(judge().catch((error: unknown) => report({ failed: String(error) })));
});

async function judge(): Promise<void> {
  const vectors = (await (await fetch('/signatures.json')).json()) as readonly SignatureVector[];
  await report({ hasEd25519: await hasEd25519() });
  await report({ engine: 'WebCrypto', valid: await validNames(createWebCrypto(), vectors) });
  await report({ engine: 'JavaScript fallback', valid: await validNames(createNobleCrypto(), vectors) });

  const message = utf8('signed in a worker');
  const stored = await throughDatabase(await generateWriterKeyPair());
  const exported = await crypto.subtle
    .exportKey('pkcs8', stored.privateKey)
    .catch((error: unknown) => (error as Error).name);
  for (const [kind, key] of [
    ['stored key pair', await pairToWriterKey(stored)],
    ['seed', seedToNobleWriterKey(generateNobleSeed())],
  ] as const) {
    const signature = await key.sign(message);
    await report({
      signedBy: kind,
      exported,
      publicKey: toHex(key.publicKey),
      message: toHex(message),
      signature: toHex(signature),
    });
  }
}

async function validNames(engine: Crypto, vectors: readonly SignatureVector[]): Promise<string[]> {
  const valid: string[] = [];
  for (const { name, publicKey, message, signature } of vectors) {
    if (await verifySignature(engine, bytes(publicKey), bytes(message), bytes(signature))) valid.push(name);
  }
  return valid;
}

function bytes(hex: string): Bytes {
  const decoded = fromHex(hex);
  if (decoded === undefined) throw new Error(`no hexadecimal: ${hex}`);
  return decoded;
}

/** The pair as IndexedDB gives it back, after the connection that stored it was closed. */
async function throughDatabase(pair: WriterKeyPair): Promise<WriterKeyPair> {
  const writing = await open();
  await finished(writing.transaction('keys', 'readwrite').objectStore('keys').put(pair, 'writer'));
  writing.close();
  const reading = await open();
  return (await finished(reading.transaction('keys').objectStore('keys').get('writer'))) as WriterKeyPair;
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open('keys', 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore('keys'));
  return finished(request);
}

function finished<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')));
  });
}

async function report(evidence: object): Promise<void> {
  await fetch('/evidence', { method: 'POST', body: JSON.stringify(evidence) });
}
