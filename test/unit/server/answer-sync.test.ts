import { beforeEach, expect, test } from 'vitest';
import { toBase64Url, utf8 } from '../../../core/log/bytes.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { KIND } from '../../../core/log/header.ts';
import { decodeRun } from '../../../core/log/run-codec.ts';
import { WakelogError } from '../../../core/protocol/errors.ts';
import type { SpaceResponse } from '../../../core/protocol/messages.ts';
import { readStatement } from '../../../core/views/key-value/statements.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { SERVER_ACCOUNT } from '../../../server/spaces/open-space.ts';
import { createGate } from '../../../server/sync/gate.ts';
import { bytesOf, createTestWriter, numbered, SPACE } from '../log/test-writer.ts';
import type { Responder } from './responder.ts';
import { createAccountWriter, createResponder } from './responder.ts';

let responder: Responder;

beforeEach(() => {
  responder = createResponder();
});

/** Log and sequences of the runs of an answer, the server's own logs left out. */
function given({ runs, authorities }: SpaceResponse): string[] {
  return runs.map(decoded).flatMap(({ log, first, entries }) => {
    const name = toBase64Url(log);
    return authorities.includes(name) ? [] : [`${name.slice(0, 4)} ${first}-${first + entries.length - 1}`];
  });
}

function decoded(bytes: Bytes): Exclude<ReturnType<typeof decodeRun>, string> {
  const run = decodeRun(bytes);
  if (typeof run === 'string') throw new Error(run);
  return run;
}

test('SYNC1 SYNC2 a request may come twice: the second time nothing is taken, and nothing of its own sent back', async () => {
  const ann = await createAccountWriter('ann');
  const runs = [ann.opening, ...(await ann.runs(...numbered(3)))];
  const first = await responder.ask({ runs });
  const second = await responder.ask({ runs });
  expect(responder.news).toEqual(['ann']);
  for (const answer of [first, second]) {
    expect(given(answer)).toEqual([]);
    expect(answer.acknowledged).toEqual(new Map([[ann.log, 3]]));
    expect(answer.refused).toEqual([]);
    expect(answer.level).toBe(true);
  }
  expect(second.cursor).toEqual(first.cursor);
});

test('SYNC1 after a cursor comes what arrived later, without what the request carries', async () => {
  const [ann, ben] = [await createAccountWriter('ann'), await createAccountWriter('ben')];
  const { cursor } = await responder.ask({ runs: [ann.opening] });
  await responder.ask({ runs: [ben.opening, ...(await ben.runs(...numbered(2)))] }, {}, 'ben');
  const answer = await responder.ask({ cursor, runs: await ann.runs(...numbered(1)) });
  expect(given(answer)).toEqual([`${ben.log.slice(0, 4)} 0-0`, `${ben.log.slice(0, 4)} 1-2`]);
  const again = await responder.ask({ cursor: answer.cursor });
  expect(again).toMatchObject({ runs: [], level: true, compareVectors: false, cursor: answer.cursor });
});

test('SYNC3 more than a frame holds comes in rounds, by cursor and by vector, each entry once', async () => {
  const large = Array.from({ length: 7 }, (_, i) => ({
    text: JSON.stringify({ writes: [['put', `k${i}`, 'x'.repeat(900_000), []]] }),
  }));
  const ann = await createAccountWriter('ann');
  for (const run of [ann.opening, ...(await ann.runs(...large))]) await responder.ask({ runs: [run] });
  const byCursor: string[] = [];
  let answer = await responder.ask(
    { cursor: (await responder.ask({ vector: new Map([[ann.log, 7]]) })).cursor },
    {},
    'ben',
  );
  expect(answer.level).toBe(true);
  answer = await responder.ask({}, {}, 'ben');
  byCursor.push(...given(answer));
  for (let round = 0; !answer.level && round < 20; round++) {
    answer = await responder.ask({ cursor: answer.cursor }, {}, 'ben');
    byCursor.push(...given(answer));
  }
  expect(answer.level).toBe(true);
  const name = ann.log.slice(0, 4);
  expect(byCursor).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((sequence) => `${name} ${sequence}-${sequence}`));
  const vector = new Map([[ann.log, 0]]);
  const byVector: string[] = [];
  for (let round = 0; round < 20; round++) {
    answer = await responder.ask({ vector }, {}, 'ben');
    expect(answer.compareVectors).toBe(false);
    byVector.push(...given(answer));
    for (const { log, first, entries } of answer.runs.map(decoded))
      vector.set(toBase64Url(log), first + entries.length - 1);
    if (answer.level) break;
    expect(answer.cursor.position).toBe(0);
  }
  expect(byVector).toEqual(byCursor.slice(1));
  expect((await responder.ask({ cursor: answer.cursor }, {}, 'ben')).runs).toEqual([]);
});

test('SYNC3 SYNC4 a cursor of another epoch is answered by a comparison of vectors, and nothing else changes', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor } = await responder.ask({ runs: [ann.opening] });
  const answer = await responder.ask({ cursor: { ...cursor, epoch: 'another' } });
  expect(answer).toMatchObject({ compareVectors: true, runs: [], level: false });
  expect(answer.acknowledged.get(ann.log)).toBe(0);
  expect(answer.cursor.epoch).toBe(cursor.epoch);
});

test('SYNC4 a position that this store never had means that it lost something: new epoch, new own log, at most every 10 minutes', async () => {
  const ann = await createAccountWriter('ann');
  const { cursor, authorities } = await responder.ask({ runs: [ann.opening] });
  const lost = await responder.ask({ cursor: { ...cursor, position: cursor.position + 5 } });
  expect(lost.compareVectors).toBe(true);
  expect(lost.cursor.epoch).not.toBe(cursor.epoch);
  expect(lost.authorities).toHaveLength(authorities.length + 1);
  const level = await responder.ask({ vector: new Map([[ann.log, 0]]) });
  const wrongCheck = await responder.ask({ cursor: { ...level.cursor, check: bytesOf('another', 8) } });
  expect(wrongCheck).toMatchObject({ compareVectors: true });
  expect(wrongCheck.cursor.epoch).toBe(lost.cursor.epoch);
});

test('SYNC4 entries of the own log that the store lacks prove that it was restored: it is never extended again', async () => {
  const ann = await createAccountWriter('ann');
  const { authorities } = await responder.ask({ runs: [ann.opening] });
  const held = await responder.ask({}, {}, 'ben');
  const own = held.runs.filter((bytes) => toBase64Url(decoded(bytes).log) === authorities[0]);
  const other = createResponder();
  expect((await other.ask({ runs: own }, {}, 'ben')).refused).toMatchObject([
    { log: authorities[0], code: 'unenrolled' },
  ]);
  const [current] = authorities;
  await responder.spaces.use(SPACE, async (space) => {
    expect(space.replica.ownLog()).toBe(current);
    await space.startAnew('a test', 'proven');
    expect(space.replica.ownLog()).not.toBe(current);
    expect(space.authorities()[0]).toBe(current);
    expect(space.replica.account).toBe(SERVER_ACCOUNT);
  });
  expect((await responder.ask({ runs: own }, {}, 'ben')).refused).toEqual([]);
});

test('SYNC6 a refused run says why, its log goes no further, other logs go on', async () => {
  const [ann, ben] = [await createAccountWriter('ann'), await createAccountWriter('ann', 'another device')];
  const [second, third] = [(await ann.runs(...numbered(1)))[0], (await ann.runs(...numbered(1, 1)))[0]];
  if (second === undefined || third === undefined) throw new Error('two runs');
  const gap = await responder.ask({ runs: [ann.opening, third, ben.opening] });
  expect(gap.refused).toEqual([{ log: ann.log, first: 2, code: 'gap', expected: 1 }]);
  expect(gap.acknowledged).toEqual(
    new Map([
      [ann.log, 0],
      [ben.log, 0],
    ]),
  );
  const forged = second.slice();
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  expect((await responder.ask({ runs: [forged, third] })).refused).toEqual([
    { log: ann.log, first: 1, code: 'bad-signature' },
  ]);
  expect((await responder.ask({ runs: [second.slice(0, -1)] })).refused).toEqual([
    { log: ann.log, first: 1, code: 'malformed' },
  ]);
  const newer = Uint8Array.of(2, ...second.slice(1));
  expect((await responder.ask({ runs: [newer] })).refused).toMatchObject([
    { log: ann.log, code: 'unsupported-format' },
  ]);
  expect((await responder.ask({ runs: [second, third] })).refused).toEqual([]);
  const twin = createTestWriter('ann', undefined, { sequence: 0, id: await firstId(ann.opening) });
  const fork = await twin.writeRun({ text: '{"writes":[["put","other",1,[]]]}' });
  expect((await responder.ask({ runs: [fork.bytes] })).refused).toEqual([{ log: ann.log, first: 1, code: 'fork' }]);
  await expect(responder.ask({ runs: [new Uint8Array(20)] })).rejects.toMatchObject({ code: 'malformed' });
});

async function firstId(bytes: Bytes): Promise<Bytes> {
  const { verifyRun } = await import('../../../core/log/run-verify.ts');
  const { createNodeCrypto } = await import('../../../server/crypto/node-crypto.ts');
  const { SPACE_HASH } = await import('../log/test-writer.ts');
  const run = await verifyRun(createNodeCrypto(), SPACE_HASH, bytes);
  const id = typeof run === 'string' ? undefined : run.ids[0];
  if (id === undefined) throw new Error('a valid run');
  return id;
}

test('SYNC11 a log is enrolled by its open entry for the account of the session, and for no other', async () => {
  const [ann, ben] = [await createAccountWriter('ann'), await createAccountWriter('ben')];
  const answer = await responder.ask({ runs: [ann.opening, ben.opening] });
  expect(answer.refused).toEqual([{ log: ben.log, first: 0, code: 'unenrolled' }]);
  const untitled = await createTestWriter('untitled').writeRun(...numbered(1));
  expect((await responder.ask({ runs: [untitled.bytes] })).refused).toMatchObject([{ code: 'unenrolled' }]);
  const tooLong = createTestWriter('long');
  const opening = await tooLong.writeRun({
    kind: KIND.open,
    parts: [utf8(JSON.stringify({ account: 'x'.repeat(300) }))],
  });
  expect((await responder.ask({ runs: [opening.bytes] }, { account: undefined })).refused).toMatchObject([
    { code: 'unenrolled' },
  ]);
  await responder.spaces.use(SPACE, async ({ replica }) => {
    expect(await replica.view.account(ann.log)).toBe('ann');
    expect(await replica.view.account(ben.log)).toBeUndefined();
  });
  expect((await responder.ask({ runs: [ben.opening] }, { account: undefined })).refused).toEqual([]);
});

test('SYNC11 CAP7 the logs of a space are counted once for each request, however many it enrols', async () => {
  let counted = 0;
  const admitted = await responder.spaces.use(SPACE, async (space) => {
    const heads: typeof space.store.heads = () => {
      counted += 1;
      return space.store.heads();
    };
    const session = { account: 'ann', read: () => true, write: () => true };
    const context = { session, crypto: createNodeCrypto(), mayWrite: () => true, validate: undefined };
    const gate = createGate({ ...space, store: { ...space.store, heads } }, context);
    const openings = await Promise.all(['one', 'two', 'three'].map((name) => createAccountWriter('ann', name)));
    return Promise.all(openings.map(({ opening }) => gate.admit(toBase64Url(decoded(opening).log), decoded(opening), opening)));
  });
  expect(admitted.map((admission) => 'statements' in admission && admission.statements.length)).toEqual([1, 1, 1]);
  expect(counted).toBe(1);
});

test('SYNC11 the statement that enrols a log is durable before its entries, and given to readers', async () => {
  const ann = await createAccountWriter('ann');
  await responder.ask({ runs: [ann.opening] });
  const { runs, authorities } = await responder.ask({}, {}, 'ben');
  const [own, annRun] = runs.map(decoded);
  expect(toBase64Url(own?.log ?? new Uint8Array(0))).toBe(authorities[0]);
  expect(own?.entries.map(readStatement)).toEqual([undefined, { kind: 'enrol', log: ann.log, account: 'ann' }]);
  expect(toBase64Url(annRun?.log ?? new Uint8Array(0))).toBe(ann.log);
});

test('SYNC12 a relay needs no permission to write: the account of the log does', async () => {
  const ann = await createAccountWriter('ann');
  await responder.ask({ runs: [ann.opening] });
  const [relayed, own] = [await ann.runs(...numbered(1)), await createAccountWriter('ben')];
  const reader = { write: () => false };
  const answer = await responder.ask({ runs: [...relayed, own.opening] }, reader, 'ben');
  expect(answer.refused).toEqual([{ log: own.log, first: 0, code: 'forbidden' }]);
  expect(answer.acknowledged.get(ann.log)).toBe(1);
  const strict = createResponder({ mayWrite: (account) => account !== 'ann' });
  await strict.ask({ runs: [ann.opening] });
  expect((await strict.ask({ runs: relayed }, {}, 'ben')).refused).toMatchObject([{ log: ann.log, code: 'forbidden' }]);
  expect((await strict.ask({ runs: relayed })).refused).toEqual([]);
});

test('SYNC12 nothing of a space is told to who may not read it, and nobody speaks for another account', async () => {
  const ann = await createAccountWriter('ann');
  await responder.ask({ runs: [ann.opening] });
  const answer = await responder.ask({ vector: new Map() }, { read: () => false }, 'ben');
  expect(answer).toMatchObject({ error: 'forbidden', runs: [], authorities: [], refused: [] });
  expect(answer.acknowledged.size).toBe(0);
  expect(answer.cursor.position).toBe(0);
  await expect(responder.ask({}, { account: 'ben' }, 'ann')).rejects.toEqual(new WakelogError('account-mismatch'));
});

test('SYNC8 an objection takes the run, refuses the entry in the own log first, and is not made twice', async () => {
  let asked = 0;
  const strict = createResponder({
    validate: ({ account, body: { writes } }) => {
      asked += 1;
      return writes.some(([, key]) => key === 'key 1') ? { code: 'no-ones', reason: `not from ${account}` } : undefined;
    },
  });
  const ann = await createAccountWriter('ann');
  const runs = [ann.opening, ...(await ann.runs(...numbered(3)))];
  const answer = await strict.ask({ runs });
  await strict.ask({ runs });
  expect(answer.refused).toEqual([]);
  expect(answer.acknowledged.get(ann.log)).toBe(3);
  expect(asked).toBe(3);
  await strict.spaces.use(SPACE, async ({ replica }) => {
    expect((await replica.view.items('')).map(({ key }) => key)).toEqual(['key 0', 'key 2']);
    expect(replica.view.refused()).toMatchObject([
      { log: ann.log, sequence: 2, code: 'no-ones', reason: 'not from ann' },
    ]);
  });
});
