import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildRuns } from '../../../core/log/run-build.ts';
import { KIND, NO_ENTRY } from '../../../core/log/header.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { decodeSyncResponse } from '../../../core/protocol/codec.ts';
import { ERRORS, isErrorCode } from '../../../core/protocol/errors.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { generateWriterSeed, seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import type { HostileRequest, Material } from './hostile-requests.ts';
import { hostileRequests } from './hostile-requests.ts';
import type { RawAnswer } from './http.ts';
import { CBOR_HEADERS, JSON_HEADERS, send, syncBody } from './http.ts';
import { makeFolder } from './start-server.ts';

const REQUESTS = 10_000;
const MAX_GROWTH_BYTES = 32 * 2 ** 20;

/** In the server's process. */
const TELL_MEMORY = `process.on('message', () => {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  process.send(heapUsed + external);
});
process.channel.unref();`;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let server: ChildProcess;
let url = '';
let material: Material;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** A server in a process of its own: its memory is nobody else's. */
beforeAll(async () => {
  folder = await makeFolder();
  const program = fileURLToPath(new URL('../../../server/cli.ts', import.meta.url));
  server = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--import',
      `data:text/javascript,${encodeURIComponent(TELL_MEMORY)}`,
      program,
      'serve',
      '--port',
      '0',
      '--data',
      join(folder.path, 'data'),
      '--collection',
      '/api/tasks',
      '--space',
      'team',
    ],
    {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    },
  );
  if (server.stdout === null) throw new Error('a pipe');
  for await (const line of createInterface({ input: server.stdout })) {
    url = /http:\/\/[\d.:]+/.exec(line)?.[0] ?? '';
    if (url !== '') break;
  }
  material = { valid: await openingRun('team'), otherSpace: await openingRun('another space') };
  const taken = await send(`${url}/wakelog/sync`, {
    method: 'POST',
    headers: CBOR_HEADERS,
    body: syncBody({ runs: [material.valid] }),
  });
  expect(taken.status).toBe(200);
  expect(
    (await send(`${url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body: '{"id":"kept"}' })).status,
  ).toBe(201);
});

afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
  agent.destroy();
  await folder.remove();
});

async function openingRun(space: string): Promise<Uint8Array<ArrayBuffer>> {
  const crypto = createNodeCrypto();
  const key = seedToWriterKey(generateWriterSeed());
  const part = utf8(JSON.stringify({ device: 'd', account: 'ann' }));
  const draft = { kind: KIND.open, parts: [part], lamport: 1, clock: 1 };
  const [run] = await buildRuns(crypto, key, await hashSpace(crypto, space), { sequence: -1, id: NO_ENTRY }, [draft]);
  if (run === undefined) throw new Error('one run');
  return run.bytes;
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}

function ask(request: HostileRequest): Promise<RawAnswer> {
  return send(url + request.path, { ...request, agent });
}

/** Of a refused request its one code; of a refused run the code of the run; `held` when the server took it for what it was. */
function verdictOf({ name }: HostileRequest, { status, code, body, headers }: RawAnswer): string {
  if (code !== undefined) {
    if (!isErrorCode(code) || ERRORS[code].status !== status) throw new Error(`${name}: ${status} ${code}`);
    return code;
  }
  if (status !== 200) throw new Error(`${name}: ${status} without a code`);
  if (headers['content-type'] !== 'application/wakelog+cbor' || name.startsWith('live')) return 'held';
  const response = decodeSyncResponse(new Uint8Array(body));
  if (typeof response === 'string') throw new Error(`${name}: ${response}`);
  const [space] = response.spaces;
  return space?.error ?? space?.refused[0]?.code ?? 'held';
}

/** What the server keeps: V8 stretches its heap by 100 MB when it likes, so the process is asked once all that is garbage is gone. */
async function keptBytes(): Promise<number> {
  server.send('how much');
  const [bytes] = (await once(server, 'message')) as [number];
  return bytes;
}

async function expectNothingLost(): Promise<void> {
  expect((await send(`${url}/api/tasks`)).body.toString()).toBe('[{"id":"kept"}]');
  const answer = await send(`${url}/wakelog/sync`, {
    method: 'POST',
    headers: CBOR_HEADERS,
    body: syncBody({ runs: [material.valid] }),
  });
  const response = decodeSyncResponse(new Uint8Array(answer.body));
  expect(response).toMatchObject({ spaces: [{ refused: [], level: true }] });
}

describe('CAP7 hostile requests', () => {
  test(
    'CAP7 every hostile request gets one code of the closed table, and nothing is lost',
    { timeout: 60_000 },
    async () => {
      const verdicts: Record<string, string> = {};
      for (const request of hostileRequests(material, 100))
        verdicts[request.name] = verdictOf(request, await ask(request));
      expect(verdicts).toMatchInlineSnapshot(`
      {
        "live: a name too long": "malformed",
        "live: an unknown epoch": "held",
        "live: broken escapes": "malformed",
        "live: no device": "malformed",
        "live: no query": "malformed",
        "live: noise for a cursor": "malformed",
        "push: a list": "malformed",
        "push: an endpoint of this machine": "malformed",
        "push: deep nesting": "malformed",
        "push: names that are no texts": "malformed",
        "push: no JSON": "malformed",
        "push: noise": "malformed",
        "push: null": "malformed",
        "push: prototype keys": "malformed",
        "push: too large": "too-large",
        "rest: a compression bomb": "unsupported-media-type",
        "rest: a form": "unsupported-media-type",
        "rest: a lone surrogate": "not-found",
        "rest: a missing item": "not-found",
        "rest: a missing item to delete": "not-found",
        "rest: a number without end": "invalid-entry",
        "rest: an id that is an object": "malformed",
        "rest: an id too long": "invalid-entry",
        "rest: an idempotency key with control characters": "malformed",
        "rest: another site": "cross-site",
        "rest: broken UTF-8": "malformed",
        "rest: broken escapes": "not-found",
        "rest: deep nesting": "invalid-entry",
        "rest: noise": "malformed",
        "rest: prototype keys": "invalid-entry",
        "sync: a compression bomb": "unsupported-media-type",
        "sync: a cursor of elsewhere": "held",
        "sync: a frame of empty lists": "malformed",
        "sync: a frame of empty maps": "malformed",
        "sync: a frame of nested lists": "malformed",
        "sync: a frame of numbers": "malformed",
        "sync: a huge array announced": "malformed",
        "sync: a huge text announced": "malformed",
        "sync: a newer protocol": "unsupported-protocol",
        "sync: a position below zero": "malformed",
        "sync: a prototype key in a space": "malformed",
        "sync: a replay": "held",
        "sync: a run of another space": "bad-signature",
        "sync: a run of noise": "unsupported-format",
        "sync: a run too short to name its log": "malformed",
        "sync: a vector of as many logs as there may be": "held",
        "sync: a vector of fractions": "malformed",
        "sync: a vector with a log twice": "malformed",
        "sync: a wrong signature": "bad-signature",
        "sync: an endless array": "malformed",
        "sync: an unknown space": "held",
        "sync: another content type": "unsupported-media-type",
        "sync: another host": "unknown-host",
        "sync: another site": "cross-site",
        "sync: as many copies of a run as fit": "unsupported-format",
        "sync: as many empty runs as there may be": "malformed",
        "sync: cut short": "malformed",
        "sync: deep maps": "malformed",
        "sync: deep nesting": "malformed",
        "sync: more after the end": "malformed",
        "sync: more than a frame": "too-large",
        "sync: names too long": "malformed",
        "sync: noise": "malformed",
        "sync: nothing": "malformed",
        "sync: one bit flipped": "bad-signature",
        "sync: prototype keys": "malformed",
        "sync: the same space twice": "malformed",
        "sync: too many spaces": "malformed",
      }
    `);
      await expectNothingLost();
    },
  );

  test('CAP7 10,000 hostile requests grow the server by less than 32 MB', { timeout: 120_000 }, async () => {
    /** Eight connections at once; how many requests that were. */
    const sendRounds = async (rounds: number, first: number): Promise<number> => {
      let sent = 0;
      for (let round = first; round < first + rounds; round++) {
        const requests = hostileRequests(material, round);
        const [large, small] = partition(requests, ({ body }) => (body?.length ?? 0) > 1_000_000);
        await Promise.all(small.map(async (request) => verdictOf(request, await ask(request))));
        // One by one: how many of the largest frames happen to be in memory at once would be all that is measured.
        for (const request of large) verdictOf(request, await ask(request));
        sent += requests.length;
      }
      return sent;
    };
    // A process that has met everything before, the largest frames too (every hundredth round).
    for (const first of [95, 195, 295]) await sendRounds(10, first);
    const before = await keptBytes();
    let [sent, round] = [0, 390];
    while (sent < REQUESTS) {
      sent += await sendRounds(10, round);
      round += 10;
    }
    const grown = (await keptBytes()) - before;
    await expectNothingLost();
    expect(grown).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
