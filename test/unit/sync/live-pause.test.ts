import { expect, test } from 'vitest';
import { createDevice } from '../../../core/engine/create-device.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { openReplica } from '../../support/node-replica.ts';
import { createResponder } from '../server/responder.ts';

test.each([undefined, 0])('SYNC7: where live streams do not get through, a device tries them less and less often (Retry-After: %s)', async (retryAfterMs) => {
  const at = createResponder();
  const delays: number[] = [];
  let tried: () => void = () => undefined;
  const device = await createDevice({
    replica: await openReplica(),
    name: 'd',
    crypto: createNodeCrypto(),
    random: () => 0.5,
    clock: {
      now: () => 1_000,
      after(delayMs, task) {
        delays.push(delayMs);
        // Time passes at once.
        if (delays.length < 12) queueMicrotask(task);
        else tried();
        return () => undefined;
      },
    },
    transport: {
      async sync(body) {
        const request = decodeSyncRequest(body);
        const [part] = typeof request === 'string' ? [] : request.spaces;
        if (part === undefined) throw new Error('a request');
        return { status: 200, contentType: SYNC_CONTENT_TYPE, retryAfterMs: undefined, body: encodeSyncResponse({ time: 1, spaces: [await at.ask(part)] }) };
      },
      live: async () => ({ status: 503, contentType: 'text/html', retryAfterMs, body: new Uint8Array(0) }),
    },
  });
  const often = new Promise<void>((resolve) => {
    tried = resolve;
  });
  device.live(true);
  await often;
  expect(delays[0]).toBe(1_000);
  expect(delays.at(-1)).toBeGreaterThanOrEqual(60_000);
  await device.close();
});
