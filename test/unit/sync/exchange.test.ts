import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../core/engine/exchange.ts';
import { createExchange } from '../../../core/engine/exchange.ts';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import type { Transport } from '../../../core/engine/ports.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { encodeRun, runEnd } from '../../../core/log/run-codec.ts';
import { headersOnly, sliceRun } from '../../../core/log/run-shape.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createStoredWriterKeys } from '../../../server/device/node-ports.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';
import { createResponder } from '../server/responder.ts';

type Answer = (part: SpaceRequest, round: number) => Promise<SpaceResponse> | SpaceResponse;

const SPACE = 'garden';
/** A device that asks more often than this is in a loop. */
const FAR_TOO_MANY_ROUNDS = 2_000;

/** A server that answers as told; without an answer it is out of reach. */
function transportTo(answer: Answer): { readonly transport: Transport; readonly rounds: () => number } {
  let rounds = 0;
  const transport: Transport = {
    async sync(body) {
      const request = decodeSyncRequest(body);
      const part = typeof request === 'string' ? undefined : request.spaces[0];
      rounds += 1;
      if (part === undefined || rounds > FAR_TOO_MANY_ROUNDS) throw new Error('out of reach');
      const response = await answer(part, rounds);
      return { status: 200, contentType: SYNC_CONTENT_TYPE, retryAfterMs: undefined, body: encodeSyncResponse({ time: 1, spaces: [response] }) };
    },
    live: async () => 'ended',
  };
  return { transport, rounds: () => rounds };
}

const real = (at: Responder): Answer => (part) => at.ask(part);

function exchangeWith(replica: Replica, answer: Answer): Exchange {
  return createExchange({ replica, device: 'd', life: 'one', transport: transportTo(answer).transport });
}

async function keysAt(at: Responder): Promise<string[]> {
  const reader = await openReplica();
  await exchangeWith(reader, real(at)).run();
  return (await reader.view.items('')).map(({ key }) => key);
}

async function write(replica: Replica, ...keys: string[]): Promise<void> {
  for (const key of keys) await replica.append([{ writes: [{ key, value: key }] }]);
}

/** A log of somebody else, with and without the bodies of what follows its opening. */
async function createWithheld(): Promise<{ readonly withheld: readonly Bytes[]; readonly whole: readonly Bytes[] }> {
  const writer = await openReplica();
  await write(writer, 'a', 'b', 'c');
  const { runs } = await writer.store.after(0);
  const crypto = createNodeCrypto();
  const withheld = await Promise.all(runs.map((run) => (run.first === 0 ? sliceRun(crypto, run, 0, 0) : headersOnly(crypto, run))));
  return { withheld: withheld.map(encodeRun), whole: runs.map(encodeRun) };
}

describe('exchange', () => {
  test('SYNC2 LOG9: what is written and merged while a round collects is sent with its bodies', async () => {
    const at = createResponder();
    const replica = await openReplica();
    await write(replica, 'first');
    let busy = true;
    const heads = async (): ReturnType<Replica['store']['heads']> => {
      const before = await replica.store.heads();
      if (busy) {
        busy = false;
        for (let i = 0; i < 40; i++) await write(replica, `k${i}`);
      }
      return before;
    };
    const watched: Replica = { ...replica, store: { ...replica.store, heads } };
    const exchange = exchangeWith(watched, real(at));
    await exchange.run();
    await exchange.run();
    expect(await keysAt(at)).toHaveLength(41);
  });

  test('LOG9 SYNC4: a body that came to the server late is asked for when vectors are compared', async () => {
    const at = createResponder();
    const { withheld, whole } = await createWithheld();
    await at.ask({ space: SPACE, runs: withheld });
    const reader = await openReplica();
    await exchangeWith(reader, real(at)).run();
    expect(await reader.store.heads()).toHaveLength(2);
    expect(await reader.view.items('')).toEqual([]);
    await at.ask({ space: SPACE, runs: whole });
    // Another history than the one the cursor came from: by position the bodies are not met again.
    await at.spaces.use(SPACE, ({ startAnew }) => startAnew('the test says so', 'proven'));
    expect(await exchangeWith(reader, real(at)).run()).toEqual({ kind: 'level' });
    expect((await reader.view.items('')).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  test('LOG9 SYNC7: bodies that the server lacks as well are asked for once in a comparison', async () => {
    const at = createResponder();
    const { withheld } = await createWithheld();
    await at.ask({ space: SPACE, runs: withheld });
    const reader = await openReplica();
    await exchangeWith(reader, real(at)).run();
    await at.spaces.use(SPACE, ({ startAnew }) => startAnew('the test says so', 'proven'));
    const given: number[] = [];
    const exchange = exchangeWith(reader, async (part, round) => {
      const answer = await at.ask(part);
      given.push(answer.runs.length);
      // Cut short every time but the last, as where there is more than a frame of it.
      return part.vector === undefined || round > 6 ? answer : { ...answer, level: false };
    });
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(given.filter((runs) => runs > 0)).toHaveLength(1);
  });

  test('SYNC1: an acknowledgement of entries that this device never made does not pass for what it makes next', async () => {
    const at = createResponder();
    const replica = await openReplica();
    await write(replica, 'a');
    const exchange = exchangeWith(replica, async (part, round) => {
      const answer = await at.ask(part);
      return round === 1 ? { ...answer, acknowledged: new Map([[replica.ownLog() ?? '', 1_000]]) } : answer;
    });
    await exchange.run();
    await write(replica, 'b', 'c');
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(await keysAt(at)).toEqual(['a', 'b', 'c']);
  });

  test('SYNC4: a server wiped in the middle of a comparison gets everything again', async () => {
    const [first, second] = [createResponder(), createResponder()];
    const replica = await openReplica();
    await write(replica, 'a', 'b');
    await exchangeWith(replica, real(first)).run();
    let wiped = false;
    const exchange = exchangeWith(replica, async (part) => {
      if (wiped) return second.ask(part);
      if (part.vector !== undefined) throw new Error('out of reach');
      return { ...(await first.ask({ ...part, cursor: undefined, vector: new Map([['A'.repeat(43), 0]]) })), runs: [], compareVectors: true };
    });
    expect(await exchange.run()).toEqual({ kind: 'unreachable' });
    wiped = true;
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(await keysAt(second)).toEqual(['a', 'b']);
  });

  const nothing = { space: SPACE, cursor: { epoch: 'e', position: 0, check: new Uint8Array(8) }, authorities: [], refused: [], runs: [] };
  const hostile: readonly (readonly [string, (own: string) => Answer])[] = [
    ['wants vectors compared for ever', () => () => ({ ...nothing, acknowledged: new Map(), compareVectors: true, level: false })],
    ['is never level', () => (_, round) => ({ ...nothing, cursor: { ...nothing.cursor, position: round }, acknowledged: new Map(), compareVectors: false, level: false })],
    ['never acknowledges and says nothing', () => () => ({ ...nothing, acknowledged: new Map(), compareVectors: false, level: true })],
    ['acknowledges and takes it back', (own) => (part) => {
      const refused = part.runs.length > 0 ? [] : [{ log: own, first: 0, code: 'gap' as const, expected: 0 }];
      return { ...nothing, acknowledged: new Map([[own, 1]]), compareVectors: false, level: false, refused };
    }],
    ['calls everything a fork', () => (part) => {
      const log = Buffer.from(part.runs[0]?.subarray(1, 33) ?? new Uint8Array(32)).toString('base64url');
      return { ...nothing, acknowledged: new Map(), compareVectors: false, level: true, refused: [{ log, first: 0, code: 'fork' as const }] };
    }],
  ];
  for (const [what, answer] of hostile) {
    test(`SYNC2 SYNC7: a server that ${what} is left alone for a while, and nothing counts as sent that was not`, async () => {
      const replica = await openReplica();
      await write(replica, 'a');
      const { transport, rounds } = transportTo(answer(replica.ownLog() ?? ''));
      const exchange = createExchange({ replica, device: 'd', life: 'one', transport });
      expect(await exchange.run()).toEqual({ kind: 'later', retryAfterMs: undefined });
      expect(rounds()).toBeLessThan(100);
      expect((await replica.view.items('')).map(({ key }) => key)).toEqual(['a']);
    });
  }

  test('SYNC6: a fork is believed of logs that were sent, and of no others', async () => {
    const at = createResponder();
    const [a, b] = [await openReplica(), await openReplica()];
    await write(a, 'of a');
    await exchangeWith(a, real(at)).run();
    await exchangeWith(b, real(at)).run();
    const log = a.ownLog() ?? '';
    await exchangeWith(b, async (part) => ({ ...(await at.ask(part)), refused: [{ log, first: 0, code: 'fork' }] })).run();
    expect((await b.store.head(log))?.sequence).toBe(1);
    expect((await readMemory(b.store)).forked).toEqual([]);
  });

  test('SYNC6: what was refused for want of room, or of permission, is sent again later', async () => {
    for (const code of ['storage-full', 'forbidden', 'unenrolled'] as const) {
      const at = createResponder();
      const replica = await openReplica();
      await write(replica, 'a');
      const own = replica.ownLog() ?? '';
      let refuses = true;
      const exchange = exchangeWith(replica, async (part) => {
        if (!refuses) return at.ask(part);
        const refused = part.runs.length > 0 ? [{ log: own, first: 0, code }] : [];
        return { ...(await at.ask({ ...part, runs: [] })), refused };
      });
      const outcome = await exchange.run();
      expect(outcome.kind).toBe(code === 'storage-full' ? 'later' : 'level');
      refuses = false;
      expect(await exchange.run()).toEqual({ kind: 'level' });
      expect(await keysAt(at)).toEqual(['a']);
    }
  });

  test('SYNC6 SYNC4: of somebody else, too, while vectors are compared: once more is known there', async () => {
    const before = createResponder();
    const [a, b, keeper] = [await openReplica(), await openReplica(), await openReplica()];
    for (const [replica, key] of [[a, 'of a'], [b, 'of b']] as const) {
      await write(replica, key);
      await exchangeWith(replica, real(before)).run();
    }
    await exchangeWith(keeper, real(before)).run();
    // Another server, which knows nobody yet: whose the log of `a` is, it learns by the log of `b`.
    const after = createResponder();
    let [sent, isKnown] = [0, false];
    const exchange = exchangeWith(keeper, async (part) => {
      const ofA = part.runs.filter((run) => runEnd(run)?.log === a.ownLog());
      sent += ofA.length;
      if (isKnown) return after.ask(part);
      const others = part.runs.filter((run) => !ofA.includes(run));
      isKnown = others.length > 0;
      const refused = ofA.length === 0 ? [] : [{ log: a.ownLog() ?? '', first: 0, code: 'unenrolled' as const }];
      const answer = await after.ask({ ...part, runs: others });
      return { ...answer, refused: [...answer.refused, ...refused] };
    });
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(await keysAt(after)).toEqual(['of a', 'of b']);
    expect(sent).toBe(2);
  });

  test('SYNC6: what is refused for good is not sent for ever, while vectors are compared', async () => {
    const before = createResponder();
    const [a, keeper] = [await openReplica(), await openReplica()];
    await write(a, 'of a');
    await exchangeWith(a, real(before)).run();
    await write(keeper, 'own');
    await exchangeWith(keeper, real(before)).run();
    const after = createResponder();
    let sent = 0;
    const exchange = exchangeWith(keeper, async (part) => {
      const ofA = part.runs.filter((run) => runEnd(run)?.log === a.ownLog());
      sent += ofA.length;
      const refused = ofA.length === 0 ? [] : [{ log: a.ownLog() ?? '', first: 0, code: 'unenrolled' as const }];
      const answer = await after.ask({ ...part, runs: part.runs.filter((run) => !ofA.includes(run)) });
      return { ...answer, refused: [...answer.refused, ...refused] };
    });
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(await keysAt(after)).toEqual(['own']);
    expect(sent).toBeLessThan(4);
  });

  test.each([false, true])('SYNC6 SYNC7: what is refused for what may pass is sent once more only when the server has learnt something (held a part before: %s)', async (heldBefore) => {
    const at = createResponder();
    const [a, b, keeper] = [await openReplica(), await openReplica(), await openReplica()];
    for (const replica of heldBefore ? [a, b] : [b]) {
      await write(replica, 'first');
      await exchangeWith(replica, real(at)).run();
    }
    await write(a, 'second');
    await copyAll(a, keeper);
    let sent = 0;
    const exchange = exchangeWith(keeper, async (part) => {
      const ofA = part.runs.filter((run) => runEnd(run)?.log === a.ownLog());
      sent += ofA.length;
      const refused = ofA.length === 0 ? [] : [{ log: a.ownLog() ?? '', first: 0, code: 'forbidden' as const }];
      const answer = await at.ask({ ...part, runs: part.runs.filter((run) => !ofA.includes(run)) });
      return { ...answer, refused: [...answer.refused, ...refused] };
    });
    expect(await exchange.run()).toEqual({ kind: 'level' });
    expect(sent).toBe(1);
  });

  test('SYNC3: a cursor that came with runs which do not fit leaves nothing out', async () => {
    const at = createResponder();
    const [a, b] = [await openReplica(), await openReplica()];
    for (const key of ['0', '1', '2', '3']) {
      await write(a, key);
      await exchangeWith(a, real(at)).run();
      if (key === '0') await exchangeWith(b, real(at)).run();
    }
    const exchange = exchangeWith(b, async (part, round) => {
      const answer = await at.ask(part);
      return round === 1 ? { ...answer, runs: answer.runs.map((run, i) => (i === 0 ? run.subarray(0, 60) : run)) } : answer;
    });
    await exchange.run();
    await exchange.run();
    expect((await b.view.items('')).map(({ key }) => key)).toEqual(['0', '1', '2', '3']);
  });

  test('LOG16 S1.10: a device that dies between its new key and its new log still appends again what was not acknowledged', async () => {
    const at = createResponder();
    const rows = createMemoryRowStore();
    const replica = await openReplica({ rows });
    await write(replica, 'a');
    const own = replica.ownLog() ?? '';
    const forked: Answer = async (part) => {
      const isOld = part.runs.some((run) => Buffer.from(run.subarray(1, 33)).toString('base64url') === own);
      if (!isOld) return at.ask(part);
      return { ...(await at.ask({ ...part, runs: [] })), refused: [{ log: own, first: 0, code: 'fork' }] };
    };
    const rotate = async (): Promise<void> => {
      await createStoredWriterKeys(replica.store).replace();
      throw new Error('killed');
    };
    await expect(exchangeWith({ ...replica, rotate }, forked).run()).rejects.toThrow('killed');
    const again = await openReplica({ rows });
    expect(await exchangeWith(again, forked).run()).toEqual({ kind: 'level' });
    expect((await again.view.items('')).map(({ key }) => key)).toEqual(['a']);
    expect(await keysAt(at)).toEqual(['a']);
  });
});
