import { expect, test } from 'vitest';
import { toBase64Url } from '../../../core/log/bytes.ts';
import {
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../../../core/protocol/codec.ts';
import { bytesOf } from '../log/test-writer.ts';

const logs = (count: number): Map<string, number> =>
  new Map(Array.from({ length: count }, (_, i) => [toBase64Url(bytesOf(`${i}`)), 2 ** 40 + i]));

test('CAP7 the fullest messages that there can be are decoded', () => {
  const cursor = { epoch: 'e', position: 1, check: new Uint8Array(8) };
  const space = { space: 'team', cursor, vector: logs(65_536), runs: [] };
  const request = decodeSyncRequest(encodeSyncRequest({ account: 'a', device: 'd', spaces: [space] }));
  expect(typeof request === 'string' ? request : request.spaces[0]?.vector?.size).toBe(65_536);
  const refused = [...logs(40_000).keys()].map((log) => ({ log, first: 0, code: 'gap' as const, expected: 1 }));
  const lists = { authorities: [], acknowledged: new Map<string, number>(), refused, runs: [] };
  const answer = { space: 'team', cursor, ...lists, compareVectors: false, level: true };
  const response = decodeSyncResponse(encodeSyncResponse({ time: 1, spaces: [answer] }));
  expect(typeof response === 'string' ? response : response.spaces[0]?.refused.length).toBe(40_000);
});
