import { encode } from 'cborg';
import { gzipSync } from 'node:zlib';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { encodeCursor } from '../../../core/protocol/codec.ts';
import { bytesOf } from '../log/test-writer.ts';
import type { RawRequest } from './http.ts';
import { CBOR_HEADERS, JSON_HEADERS, syncBody } from './http.ts';

export interface HostileRequest extends RawRequest {
  readonly name: string;
  readonly path: string;
}

/** What hostile requests are made from: runs that are real, for this space or another. */
export interface Material {
  readonly valid: Uint8Array<ArrayBuffer>;
  readonly otherSpace: Uint8Array<ArrayBuffer>;
}

/** A hostile request of each kind; `round` varies what can vary. Big ones only every hundredth round. */
export function hostileRequests({ valid, otherSpace }: Material, round: number): HostileRequest[] {
  const noise = bytesOf(`noise ${round}`, 64 + ((round * 37) % 4_000));
  const good = syncBody({ runs: [valid] });
  const requests = [
    ...syncRequests(good, valid, otherSpace, noise, round),
    ...liveRequests(noise, round),
    ...pushRequests(noise, round),
    ...restRequests(noise, round),
  ];
  return round % 100 === 0 ? [...requests, ...bigRequests(good)] : requests;
}

function sync(name: string, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): HostileRequest {
  return {
    name: `sync: ${name}`,
    path: '/wakelog/sync',
    method: 'POST',
    headers: { ...CBOR_HEADERS, ...headers },
    body,
  };
}

function syncRequests(
  good: Uint8Array<ArrayBuffer>,
  valid: Uint8Array<ArrayBuffer>,
  otherSpace: Uint8Array<ArrayBuffer>,
  noise: Uint8Array<ArrayBuffer>,
  round: number,
): HostileRequest[] {
  const message = (extra: object): Uint8Array => encode({ v: 1, account: 'ann', device: 'd', ...extra });
  const space = { space: 'team', runs: [] };
  const flipped = new Uint8Array(good);
  flipped[(round * 13) % good.length] = (flipped[(round * 13) % good.length] ?? 0) ^ (1 << (round % 8));
  const forged = new Uint8Array(valid);
  forged[forged.length - 1 - (round % 64)] = (forged[forged.length - 1 - (round % 64)] ?? 0) ^ 1;
  return [
    sync('noise', noise),
    sync('nothing', ''),
    sync('cut short', good.subarray(0, round % good.length)),
    sync('one bit flipped', flipped),
    sync('more after the end', Buffer.concat([good, noise])),
    sync('deep nesting', Buffer.alloc(20_000, 0x81)),
    sync('deep maps', Buffer.alloc(20_000, 0xa1)),
    sync('an endless array', Buffer.concat([Buffer.from([0x9f]), Buffer.alloc(1_000, 1)])),
    sync('a huge array announced', Uint8Array.of(0x9b, 0, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, ...noise)),
    sync('a huge text announced', Uint8Array.of(0xa1, 0x7b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)),
    sync('prototype keys', message({ spaces: [space], ['__proto__']: 1, constructor: 1 })),
    sync(
      'a prototype key in a space',
      message({ spaces: [new Map<string, unknown>([...Object.entries(space), ['__proto__', {}]])] }),
    ),
    sync('the same space twice', message({ spaces: [space, space] })),
    sync('too many spaces', message({ spaces: Array.from({ length: 17 }, (_, i) => ({ space: `${i}`, runs: [] })) })),
    sync(
      'a vector with a log twice',
      message({
        spaces: [
          {
            ...space,
            vector: [
              [bytesOf('a'), 1],
              [bytesOf('a'), 2],
            ],
          },
        ],
      }),
    ),
    sync('a vector of fractions', message({ spaces: [{ ...space, vector: [[bytesOf('a'), 0.5]] }] })),
    sync(
      'a cursor of elsewhere',
      message({ spaces: [{ ...space, cursor: { epoch: `${round}`, position: round, check: noise.subarray(0, 8) } }] }),
    ),
    sync(
      'a position below zero',
      message({ spaces: [{ ...space, cursor: { epoch: 'e', position: -1, check: new Uint8Array(8) } }] }),
    ),
    sync('names too long', message({ spaces: [{ ...space, space: 'x'.repeat(257) }] })),
    sync('an unknown space', syncBody({ space: `space ${round}`, vector: new Map() })),
    sync('a newer protocol', encode({ v: 2, account: 'a', device: 'd', spaces: [] })),
    sync('a run of noise', syncBody({ runs: [noise] })),
    sync('a run too short to name its log', syncBody({ runs: [noise.subarray(0, round % 34)] })),
    sync('a run of another space', syncBody({ runs: [otherSpace] })),
    sync('a wrong signature', syncBody({ runs: [forged] })),
    sync('a replay', good),
    sync('a compression bomb', gzipSync(Buffer.alloc(100_000)), { 'content-encoding': 'gzip' }),
    sync('another content type', good, { 'content-type': 'text/plain' }),
    sync('another site', good, { 'sec-fetch-site': 'cross-site' }),
    sync('another host', good, { host: `evil${round}.example` }),
  ];
}

function liveRequests(noise: Uint8Array<ArrayBuffer>, round: number): HostileRequest[] {
  const cursor = toBase64Url(encodeCursor({ epoch: 'e', position: 1, check: new Uint8Array(8) }));
  const live = (name: string, query: string): HostileRequest => ({
    name: `live: ${name}`,
    path: `/wakelog/live?${query}`,
  });
  return [
    live('no query', ''),
    live('noise for a cursor', `space=team&account=ann&device=d&cursor=${toBase64Url(noise)}`),
    live('no device', `space=team&account=ann&cursor=${cursor}`),
    live('an unknown epoch', `space=space${round}&account=ann&device=d&cursor=${cursor}`),
    live('a name too long', `space=${'x'.repeat(300)}&account=ann&device=d&cursor=${cursor}`),
    live('broken escapes', 'space=%&account=%zz&device=%E0%A4%A&cursor=%'),
  ];
}

function pushRequests(noise: Uint8Array<ArrayBuffer>, round: number): HostileRequest[] {
  const owner = '"account":"a","device":"d","space":"team"';
  const push = (name: string, body: Uint8Array | string, path = 'subscribe'): HostileRequest => ({
    name: `push: ${name}`,
    path: `/wakelog/push/${path}`,
    method: 'POST',
    headers: JSON_HEADERS,
    body,
  });
  return [
    push('noise', noise),
    push('no JSON', '{'),
    push('null', 'null'),
    push('a list', '[]', 'unsubscribe'),
    push('deep nesting', '['.repeat(8_000), 'unsubscribe'),
    push('prototype keys', `{"__proto__":{${owner}}}`, 'unsubscribe'),
    push('names that are no texts', '{"account":{},"device":[],"space":1}', 'unsubscribe'),
    push(
      'an endpoint of this machine',
      `{${owner},"subscription":{"endpoint":"http://127.0.0.1:${round}/","keys":{"p256dh":"","auth":""}}}`,
    ),
    push('too large', `"${'x'.repeat(17_000)}"`),
  ];
}

function restRequests(noise: Uint8Array<ArrayBuffer>, round: number): HostileRequest[] {
  const rest = (
    name: string,
    method: string,
    path: string,
    body?: Uint8Array | string,
    headers: object = {},
  ): HostileRequest => ({
    name: `rest: ${name}`,
    path: `/api/tasks${path}`,
    method,
    headers: { ...JSON_HEADERS, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return [
    rest('noise', 'POST', '', noise),
    rest('broken UTF-8', 'POST', '', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
    rest('deep nesting', 'POST', '', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
    rest('prototype keys', 'POST', '', '{"__proto__":{"polluted":true}}'),
    rest('an id that is an object', 'POST', '', '{"id":{}}'),
    rest('a number without end', 'PUT', '/a', '{"n":1e999}'),
    rest('an id too long', 'PUT', `/${'x'.repeat(1_100)}`, '{}'),
    rest('a lone surrogate', 'PUT', '/%ED%A0%80', '{}'),
    rest('broken escapes', 'PUT', '/%E0%A4%A', '{}'),
    rest('a missing item', 'PATCH', `/missing${round}`, '{}'),
    rest('a missing item to delete', 'DELETE', `/missing${round}`),
    rest('a form', 'POST', '', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
    rest('another site', 'POST', '', '{}', { origin: 'https://evil.example' }),
    rest('a compression bomb', 'POST', '', gzipSync(Buffer.alloc(100_000)), { 'content-encoding': 'gzip' }),
    rest('an idempotency key with control characters', 'POST', '', '{}', { 'idempotency-key': 'a b' }),
  ];
}

/** As large as a route takes, and full of the dearest thing to decode. */
function bigRequests(good: Uint8Array<ArrayBuffer>): HostileRequest[] {
  const frame = 4_194_304;
  const list = (fill: number): Buffer =>
    Buffer.concat([Uint8Array.of(0x9a, 0, 0x3f, 0xff, 0xf0), Buffer.alloc(frame - 16, fill)]);
  return [
    sync('a frame of empty lists', list(0x80)),
    sync('a frame of empty maps', list(0xa0)),
    sync('a frame of numbers', list(0x01)),
    sync('a frame of nested lists', Buffer.alloc(frame, 0x81)),
    sync('more than a frame', Buffer.alloc(frame + 1)),
    sync(
      'a vector of as many logs as there may be',
      syncBody({ vector: new Map(Array.from({ length: 65_536 }, (_, i) => [toBase64Url(bytesOf(`${i}`)), i])) }),
    ),
    sync(
      'as many empty runs as there may be',
      syncBody({ runs: Array.from({ length: 65_536 }, () => new Uint8Array(0)) }),
    ),
    sync('as many copies of a run as fit', syncBody({ runs: Array.from({ length: 10_000 }, () => good) })),
  ];
}
