import { bodyToParts } from '../../core/log/body.ts';
import type { Bytes } from '../../core/log/bytes.ts';
import { toHex, utf8 } from '../../core/log/bytes.ts';
import type { Content } from '../../core/log/content.ts';
import { bodyLength, eraseContent, hashContent, hashPart } from '../../core/log/content.ts';
import type { Header } from '../../core/log/header.ts';
import { encodeHeader, entryId, FLAG, KIND, NO_ENTRY } from '../../core/log/header.ts';
import { MAX_CLOCK_MS } from '../../core/log/limits.ts';
import type { Run, VerifiedRun } from '../../core/log/run.ts';
import { encodeRun } from '../../core/log/run-codec.ts';
import { headersOnly, mergeRuns, sliceRun } from '../../core/log/run-shape.ts';
import { chainIds } from '../../core/log/run-verify.ts';
import { headMessage } from '../../core/log/signature.ts';
import { createNodeCrypto } from '../../server/crypto/node-crypto.ts';
import type { DraftLike } from '../unit/log/test-writer.ts';
import { bytesOf, createTestWriter, joined, numbered, SPACE, SPACE_HASH } from '../unit/log/test-writer.ts';

const crypto = createNodeCrypto();

export interface HeaderVector {
  readonly name: string;
  readonly kind: number;
  readonly flags: number;
  readonly bodyBytes: number;
  readonly sequence: number;
  readonly lamport: number;
  readonly clock: number;
  readonly log: string;
  readonly previous: string;
  readonly bodyHash: string;
  readonly header: string;
  readonly id: string;
}

export async function headerVectors(): Promise<readonly HeaderVector[]> {
  const plain: Header = {
    kind: KIND.data,
    flags: 0,
    bodyBytes: 13,
    sequence: 0,
    lamport: 1,
    clock: 1_700_000_000_000,
    log: bytesOf('log'),
    previous: NO_ENTRY,
    bodyHash: bytesOf('body hash'),
  };
  const headers: Record<string, Header> = {
    first: plain,
    later: { ...plain, sequence: 1, lamport: 7, previous: bytesOf('previous') },
    'every kind and flag bit': { ...plain, kind: 255, flags: 0xffff },
    'greatest numbers': {
      ...plain,
      bodyBytes: 2 ** 32 - 1,
      sequence: 2 ** 53 - 1,
      lamport: 2 ** 53 - 1,
      clock: MAX_CLOCK_MS,
    },
    'each byte of a number different': {
      ...plain,
      bodyBytes: 0x01020304,
      sequence: 0x1112131415161,
      lamport: 0x2122232425262,
      clock: 0xf132333435363,
    },
    zeros: { ...plain, bodyBytes: 0, lamport: 0, clock: 0, log: NO_ENTRY, bodyHash: NO_ENTRY },
  };
  return Promise.all(
    Object.entries(headers).map(async ([name, header]) => ({
      name,
      ...header,
      log: toHex(header.log),
      previous: toHex(header.previous),
      bodyHash: toHex(header.bodyHash),
      header: toHex(encodeHeader(header)),
      id: toHex(await entryId(crypto, header)),
    })),
  );
}

export interface BodyVector {
  readonly name: string;
  readonly flags: number;
  readonly parts: readonly { readonly salt: string; readonly bytes: string; readonly hash: string }[];
  readonly bodyBytes: number;
  readonly bodyHash: string;
}

export async function bodyVectors(): Promise<readonly BodyVector[]> {
  const bodies: Record<string, readonly Bytes[]> = {
    empty: [new Uint8Array(0)],
    'one write': partsOf(bodyToParts({ writes: [['put', 'a/1', { text: 'water the plants', done: false }, []]] })),
    'a tombstone with parents': partsOf(bodyToParts({ writes: [['delete', 'ключ', [0, 41, 'A'.repeat(43)]]] })),
    'three writes and an event': partsOf(
      bodyToParts({
        writes: [
          ['put', 'a', 1, []],
          ['put', 'b', null, [1]],
          ['delete', 'c', [2]],
        ],
        events: [{ type: 'moved' }],
      }),
    ),
    'bytes that are no text': [Uint8Array.of(0xff, 0x00, 0xfe)],
    'two empty parts': [new Uint8Array(0), new Uint8Array(0)],
  };
  return Promise.all(
    Object.entries(bodies).map(async ([name, texts]) => {
      const flags = texts.length > 1 ? FLAG.parts : 0;
      const parts = texts.map((bytes, i) => ({ salt: bytesOf(`${name} salt ${i}`, 16), bytes }));
      const described = parts.map(async (part) => ({
        salt: toHex(part.salt),
        bytes: toHex(part.bytes),
        hash: toHex(await hashPart(crypto, part)),
      }));
      const content: Content = { form: 'body', parts };
      return {
        name,
        flags,
        parts: await Promise.all(described),
        bodyBytes: bodyLength(texts, flags),
        bodyHash: toHex(await hashContent(crypto, content, flags)),
      };
    }),
  );
}

export interface RunVector {
  readonly name: string;
  readonly bytes: string;
  readonly ids: readonly string[];
  /** What the run's one signature is over. */
  readonly signed: string;
}

export interface RunVectors {
  readonly space: string;
  readonly spaceHash: string;
  readonly seed: string;
  readonly publicKey: string;
  readonly runs: readonly RunVector[];
}

export async function runVectors(): Promise<RunVectors> {
  const writer = createTestWriter('golden');
  const vectors: RunVector[] = [];
  const add = async (name: string, run: Run): Promise<void> => {
    const ids = await chainIds(crypto, run);
    const message = headMessage(SPACE_HASH, ids.at(-1) ?? NO_ENTRY);
    vectors.push({ name, bytes: toHex(encodeRun(run)), ids: ids.map(toHex), signed: toHex(message) });
  };
  const runs: Record<string, VerifiedRun> = {};
  for (const [name, drafts] of Object.entries(shapes())) {
    runs[name] = await writer.writeRun(...drafts);
    await add(name, runs[name].run);
  }
  const { three, parts } = runs as { three: VerifiedRun; parts: VerifiedRun };
  await add('three, from the second on', await sliceRun(crypto, three.run, 2, 3));
  await add('three, to the second', await sliceRun(crypto, three.run, 1, 2));
  await add('three, headers only', await headersOnly(crypto, three.run));
  await add('three, second body erased', await withErased(three.run, 1));
  await add('parts, the second of three erased', await withErased(parts.run, 0, 1));
  await add('parts, body erased', await withErased(parts.run, 0));
  const [first, second] = [runs['open'] as VerifiedRun, three];
  await add('open and three, merged', mergeRuns(first.run, second.run));
  const long = createTestWriter('golden');
  await add('256 entries', joined(await long.write(...numbered(256))));
  const { publicKey } = writer.key;
  return {
    space: SPACE,
    spaceHash: toHex(SPACE_HASH),
    seed: toHex(bytesOf('seed of golden')),
    publicKey: toHex(publicKey),
    runs: vectors,
  };
}

function shapes(): Record<string, readonly DraftLike[]> {
  return {
    open: [{ kind: KIND.open, text: '{"device":"d"}', clock: 1_700_000_000_000 }],
    three: [{ text: 'one' }, { text: '', lamport: 1_000 }, { text: 'three', lamport: 2 ** 40, clock: 5 }],
    parts: [{ parts: [utf8('first'), utf8(''), utf8('third')], lamport: 2 ** 40 + 1 }],
    'later kinds': [
      { kind: KIND.revoke, text: 'revoke', lamport: 2 ** 40 + 2, clock: MAX_CLOCK_MS },
      { kind: 200, text: 'of a later version', lamport: 2 ** 53 - 300, clock: 0 },
    ],
    'one of 300 bytes': [{ parts: [bytesOf('300', 300)], lamport: 2 ** 53 - 299, clock: 12 }],
  };
}

async function withErased(run: Run, index: number, part?: number): Promise<Run> {
  const entries = await Promise.all(
    run.entries.map(async (entry, i) => {
      if (i !== index) return entry;
      const content = await eraseContent(crypto, entry.content, entry.flags, part);
      if (content === undefined) throw new Error('nothing to erase');
      return { ...entry, content };
    }),
  );
  return { ...run, entries };
}

function partsOf(parts: readonly Bytes[] | string): readonly Bytes[] {
  if (typeof parts === 'string') throw new Error(parts);
  return parts;
}
