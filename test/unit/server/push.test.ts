import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEndpointGuard, isPublicAddress, publicLookup } from '../../../server/push/endpoint-guard.ts';
import { createPostPush } from '../../../server/push/post-push.ts';
import { nextStep, topicOf } from '../../../server/push/pusher.ts';
import { loadVapidKeys } from '../../../server/push/vapid.ts';
import { numbered, SPACE } from '../log/test-writer.ts';
import { CBOR_HEADERS, JSON_HEADERS, send, syncBody } from './http.ts';
import type { RawAnswer } from './http.ts';
import type { Browser, PushStandIn } from './push-stand-in.ts';
import { createBrowser, readVapid, startPushStandIn } from './push-stand-in.ts';
import { createAccountWriter } from './responder.ts';
import type { AccountWriter } from './responder.ts';
import type { TestServer } from './start-server.ts';
import { makeFolder, startServer } from './start-server.ts';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let server: TestServer;
let service: PushStandIn;
let ann: AccountWriter & { readonly opening: Uint8Array<ArrayBuffer> };

beforeEach(async () => {
  folder = await makeFolder();
  service = await startPushStandIn();
  server = await start();
  ann = await createAccountWriter('ann');
});

afterEach(async () => {
  await server.stop();
  await service.stop();
  await folder.remove();
});

function start(): Promise<TestServer> {
  return startServer({
    dataDir: join(folder.path, 'data'),
    pushOrigins: [service.origin],
    collections: ['/api/tasks'],
    space: SPACE,
    vapidSubject: 'mailto:ops@example.org',
  });
}

function post(path: string, value: object): Promise<RawAnswer> {
  return send(`${server.url}/wakelog/push/${path}`, {
    method: 'POST',
    headers: JSON_HEADERS,
    body: JSON.stringify(value),
  });
}

const owner = (device: string, account = 'ben'): { account: string; device: string; space: string } => ({
  account,
  device,
  space: SPACE,
});

async function subscribe(device: string, account = 'ben'): Promise<Browser> {
  const browser = createBrowser(`${service.origin}/to/${device}`);
  const answer = await post('subscribe', { ...owner(device, account), subscription: browser.subscription });
  expect(answer.status).toBe(200);
  return browser;
}

/** One entry of ann's, by the device that `syncBody` names. */
async function write(count = 1): Promise<void> {
  const runs =
    ann.end().sequence === 0
      ? [ann.opening, ...(await ann.runs(...numbered(count)))]
      : await ann.runs(...numbered(count));
  const answer = await send(`${server.url}/wakelog/sync`, {
    method: 'POST',
    headers: CBOR_HEADERS,
    body: syncBody({ space: SPACE, runs }),
  });
  expect(answer.status).toBe(200);
}

async function idle(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 900);
  });
}

const paths = (): string[] => service.received.map(({ path }) => path).toSorted();

describe('PUSH1 subscriptions', () => {
  test('PUSH1 PUSH4 a device that is away is woken by a hint without data: encrypted, signed, one topic a space, four weeks', async () => {
    const browser = await subscribe('phone');
    await write();
    await service.until(1);
    const [push] = service.received;
    expect(push?.path).toBe('/to/phone');
    expect(push?.headers).toMatchObject({ ttl: '2419200', topic: topicOf(SPACE), 'content-encoding': 'aes128gcm' });
    expect(JSON.parse(browser.decrypt(push?.body ?? Buffer.alloc(0)))).toEqual({ wakelog: 'pull', space: SPACE });
    const { key } = JSON.parse((await send(`${server.url}/wakelog/push/key`)).body.toString()) as { key: string };
    expect(readVapid(push?.headers.authorization)).toMatchObject({
      aud: service.origin,
      sub: 'mailto:ops@example.org',
      key,
    });
  });

  test('PUSH1 one subscription for each device, space and account; the newest counts; taking it back ends it', async () => {
    await subscribe('old');
    const endpoint = `${service.origin}/to/new`;
    await post('subscribe', { ...owner('old'), subscription: createBrowser(endpoint).subscription });
    await write();
    await service.until(1);
    expect(paths()).toEqual(['/to/new']);
    expect((await post('unsubscribe', owner('old'))).status).toBe(200);
    await write();
    await idle();
    expect(paths()).toEqual(['/to/new']);
  });

  test('PUSH1 subscriptions and keys outlive a restart', async () => {
    await subscribe('phone');
    const before = (await send(`${server.url}/wakelog/push/key`)).body.toString();
    await server.stop();
    server = await start();
    expect((await send(`${server.url}/wakelog/push/key`)).body.toString()).toBe(before);
    await write();
    await service.until(1);
    expect(paths()).toEqual(['/to/phone']);
  });

  test('PUSH1 what is no subscription is refused: wrong shapes, wrong keys, prototype names, names too long', async () => {
    const { subscription } = createBrowser(`${service.origin}/to/x`);
    const { endpoint, keys } = subscription;
    const offCurve = Buffer.alloc(65, 1);
    offCurve[0] = 4;
    for (const bad of [
      { ...owner('x') },
      { ...owner('x'), subscription: null },
      { ...owner('x'), subscription: { endpoint } },
      { ...owner('x'), subscription: { endpoint: 5, keys } },
      { ...owner('x'), subscription: { endpoint: `${endpoint}/${'x'.repeat(2_048)}`, keys } },
      { ...owner('x'), subscription: { endpoint, keys: { ...keys, p256dh: 'AAAA' } } },
      { ...owner('x'), subscription: { endpoint, keys: { ...keys, p256dh: offCurve.toString('base64url') } } },
      { ...owner('x'), subscription: { endpoint, keys: { ...keys, auth: 'AAAA' } } },
      { ...owner(''), subscription },
      { ...owner('x'.repeat(257)), subscription },
      { ...owner('x'), space: ['team'], subscription },
    ]) {
      const answer = await post('subscribe', bad);
      expect([answer.status, answer.code]).toEqual([400, 'malformed']);
    }
    const hostile = `{"__proto__":{"account":"a","device":"d","space":"s"},"subscription":${JSON.stringify(subscription)}}`;
    const answer = await send(`${server.url}/wakelog/push/subscribe`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: hostile,
    });
    expect([answer.status, answer.code]).toEqual([400, 'malformed']);
    await write();
    await idle();
    expect(service.received).toEqual([]);
  });
});

describe('PUSH2 endpoints', () => {
  test('PUSH2 only known push services and listed origins are sent to', async () => {
    const { isAllowed } = createEndpointGuard(['http://127.0.0.1:9000', 'https://push.example.org']);
    for (const endpoint of [
      'https://fcm.googleapis.com/fcm/send/x',
      'https://jmt17.google.com/fcm/send/x',
      'https://updates.push.services.mozilla.com/wpush/v2/x',
      'https://db5p.notify.windows.com/w/?token=x',
      'https://web.push.apple.com/x',
      'http://127.0.0.1:9000/x',
      'https://push.example.org/x',
    ]) {
      expect([endpoint, isAllowed(endpoint)]).toEqual([endpoint, true]);
    }
    for (const endpoint of [
      'http://fcm.googleapis.com/x',
      'https://fcm.googleapis.com:444/x',
      'https://fcm.googleapis.com.evil.example/x',
      'https://evil.example/fcm.googleapis.com',
      'https://fcm.googleapis.com@evil.example/x',
      'https://user:secret@fcm.googleapis.com/x',
      'https://push.services.mozilla.com/x',
      'https://evilpush.services.mozilla.com.example/x',
      'https://xpush.apple.com/x',
      'http://127.0.0.1:9001/x',
      'https://169.254.169.254/latest/meta-data',
      'https://localhost/x',
      'file:///etc/passwd',
      'javascript:1',
      'no url',
    ]) {
      expect([endpoint, isAllowed(endpoint)]).toEqual([endpoint, false]);
    }
    const refused = await post('subscribe', {
      ...owner('x'),
      subscription: createBrowser('https://evil.example/x').subscription,
    });
    expect([refused.status, refused.code]).toEqual([422, 'endpoint-not-allowed']);
  });

  test('PUSH2 the address behind a known name is looked at when the connection is made', async () => {
    const publicOnes = ['8.8.8.8', '2001:4860:4860::8888'];
    const others = [
      '127.0.0.1',
      '10.0.0.1',
      '192.168.1.1',
      '172.16.0.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
    ];
    const others6 = [
      '::1',
      '::',
      'fe80::1',
      'fc00::1',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      'ff02::1',
      '2002:7f00:1::',
      'no address',
    ];
    expect(publicOnes.map(isPublicAddress)).toEqual([true, true]);
    for (const address of [...others, ...others6])
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
    const refusal = await new Promise<Error | null>((resolve) => {
      publicLookup('localhost', {}, (error) => resolve(error));
    });
    expect(refusal?.message).toBe('localhost leads to a private address');
  });

  test('PUSH2 an endpoint that leads to this machine is not connected to', async () => {
    const connections: unknown[] = [];
    const trap = createServer((socket) => {
      connections.push(socket);
      socket.destroy();
    });
    trap.listen(0, '127.0.0.1');
    await once(trap, 'listening');
    const { port } = trap.address() as { port: number };
    const endpoint = `https://localhost:${port}/x`;
    const guard = { isAllowed: () => true, isListed: () => false };
    const keys = await loadVapidKeys(join(folder.path, 'vapid.json'));
    const postPush = createPostPush({ keys, subject: 'mailto:a@b.c', guard, agent: undefined, rewrite: (to) => to });
    const { keys: browserKeys } = createBrowser(endpoint).subscription;
    await expect(postPush({ endpoint, ...browserKeys }, 'hint', 'topic')).rejects.toThrow('leads to a private address');
    const literal = `https://127.0.0.1:${port}/x`;
    await expect(postPush({ endpoint: literal, ...browserKeys }, 'hint', 'topic')).rejects.toThrow('private address');
    expect(connections).toEqual([]);
    trap.close();
  });

  test('PUSH2 a redirect is not followed', async () => {
    await subscribe('phone');
    service.answers.push({ status: 307, headers: { location: `${service.origin}/elsewhere` } });
    await write();
    await service.until(1);
    await idle();
    expect(paths()).toEqual(['/to/phone']);
    expect(server.lines.some(({ message }) => message === 'a push was given up')).toBe(true);
  });
});

describe('PUSH3 keys', () => {
  test('PUSH3 VAPID keys are made once, kept in a file that only its owner reads, and a broken file stops the start', async () => {
    const path = join(folder.path, 'data', 'vapid.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect(await loadVapidKeys(path)).toEqual(JSON.parse(text));
    const broken = join(folder.path, 'broken.json');
    await writeFile(broken, '{"publicKey":"AAAA","privateKey":"AAAA"}');
    await expect(loadVapidKeys(broken)).rejects.toThrow('holds no VAPID keys');
  });
});

describe('PUSH4 who is woken', () => {
  test('PUSH4 not the device that wrote, not one that is connected, and 50 writes in a moment wake once', async () => {
    await subscribe('device', 'ann');
    await subscribe('phone');
    await subscribe('tablet', 'ann');
    for (let i = 0; i < 50; i++) await write();
    await idle();
    const counts = Object.groupBy(paths(), (path) => path);
    expect(Object.keys(counts)).toEqual(['/to/phone', '/to/tablet']);
    for (const some of Object.values(counts)) expect(some?.length).toBeLessThanOrEqual(4);
  });

  test('PUSH4 a write by the REST routes wakes every device', async () => {
    await subscribe('phone');
    await send(`${server.url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body: '{"id":"a"}' });
    await service.until(1);
    expect(paths()).toEqual(['/to/phone']);
  });

  test('PUSH4 a request that brings nothing new wakes nobody', async () => {
    await write();
    await subscribe('phone');
    const body = syncBody({ space: SPACE, runs: [ann.opening] });
    expect((await send(`${server.url}/wakelog/sync`, { method: 'POST', headers: CBOR_HEADERS, body })).status).toBe(
      200,
    );
    await idle();
    expect(service.received).toEqual([]);
  });
});

describe('PUSH5 answers of push services', () => {
  test('PUSH5 404 and 410 end a subscription', async () => {
    for (const status of [404, 410]) {
      await subscribe(`gone ${status}`);
      await write();
      service.answers.push({ status });
      await service.until(service.received.length + 1);
      await idle();
      const before = service.received.length;
      await write();
      await idle();
      expect(service.received.length).toBe(before);
    }
  });

  test('PUSH5 an endpoint that was ended is not taken again, also after a restart; a new one of the same device is', async () => {
    const { subscription } = await subscribe('phone');
    service.answers.push({ status: 410 });
    await write();
    await service.until(1);
    await idle();
    const again = async (): Promise<unknown[]> => {
      const answer = await post('subscribe', { ...owner('phone'), subscription });
      return [answer.status, answer.code];
    };
    expect(await again()).toEqual([404, 'not-found']);
    await server.stop();
    server = await start();
    expect(await again()).toEqual([404, 'not-found']);
    await write();
    await idle();
    expect(paths()).toEqual(['/to/phone']);
    const renewed = createBrowser(`${service.origin}/to/renewed`).subscription;
    expect((await post('subscribe', { ...owner('phone'), subscription: renewed })).status).toBe(200);
    await write();
    await service.until(2);
    expect(paths()).toEqual(['/to/phone', '/to/renewed']);
  });

  test('PUSH5 a failing service is tried again, later and not for ever', async () => {
    await subscribe('phone');
    service.answers.push({ status: 500 });
    await write();
    await service.until(2);
    expect(paths()).toEqual(['/to/phone', '/to/phone']);
  });

  test('PUSH5 what an answer asks for: 429 waits for as long as it says, 5xx and silence back off, other 4xx end it', () => {
    const answer = (status: number, retryAfterMs?: number): { status: number; retryAfterMs: number | undefined } => ({
      status,
      retryAfterMs,
    });
    expect([200, 201, 202, 204].map((status) => nextStep(answer(status), 0, 0))).toEqual([
      'done',
      'done',
      'done',
      'done',
    ]);
    expect([404, 410].map((status) => nextStep(answer(status), 0, 0))).toEqual(['gone', 'gone']);
    expect([301, 400, 401, 403, 413].map((status) => nextStep(answer(status), 0, 0))).toEqual(
      Array.from({ length: 5 }, () => 'give-up'),
    );
    expect(nextStep(answer(429, 60_000), 0, 0.5)).toBe(60_000);
    expect(nextStep(answer(503, 10), 0, 0.5)).toBe(1_500);
    expect(nextStep(new Error('silence'), 3, 1)).toBe(9_000);
    expect(nextStep(new Error('silence'), 8, 1)).toBe(257_000);
    expect(nextStep(new Error('silence'), 9, 1)).toBe('give-up');
  });
});
