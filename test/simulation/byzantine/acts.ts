import type { Bytes } from '../../../core/log/bytes.ts';
import { toBase64Url, utf8 } from '../../../core/log/bytes.ts';
import { KIND } from '../../../core/log/header.ts';
import type { Run } from '../../../core/log/run.ts';
import { decodeRun, encodeRun } from '../../../core/log/run-codec.ts';
import { sliceRun } from '../../../core/log/run-shape.ts';
import { chainIds } from '../../../core/log/run-verify.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { logKey, logName } from '../../../core/log/version-vector.ts';
import type { ByzantineAct } from '../plan/plan.ts';
import { createEvilWriter, endOf, signRun, writing } from './evil-writer.ts';
import { flipped, FORGED, forgedBody, mangled, withheld } from './forge.ts';
import type { Intruder } from './intruder.ts';
import { offerGarbage, offerOverLong, offerStrange } from './strange.ts';

type Act = (intruder: Intruder) => Promise<void>;

/** Every way to keep no rule. What is offered as forged must be refused everywhere; the rest is valid, and is held everywhere or nowhere. */
export const ACTS: Readonly<Record<ByzantineAct, Act>> = {
  equivocate,
  'bad-signature': async (intruder) => {
    const { offer, offerLog, writer, random, carrier } = intruder;
    await offerLog();
    const { bytes } = await writer().sign([{ body: forgedBody(writer().nextMark()) }]);
    const bad = bytes.slice();
    bad[bytes.length - 1 - random.int(64)] = random.int(256) ^ 0x55;
    await offer([bad.every((byte, i) => byte === bytes[i]) ? flipped(bytes, random) : bad], { forged: true });
    await offer([flipped(bytes, random), flipped(bytes, random)], { forged: true });
    // A signature of one's own under somebody's text, and an honest run with another bit.
    const runs = (await intruder.loot())?.runs ?? [];
    for (let i = 0; i < 4 && runs.length > 0; i++) await offer([flipped(random.pick(runs), random)], { guise: random.pick([carrier, intruder.self]) });
  },
  gap: async ({ offer, offerLog, writer, random }) => {
    await offerLog();
    await writer().extend([{}]);
    const later = await writer().extend([{}, {}]);
    await offer([later.bytes]);
    // Sometimes the hole is filled, sometimes it stays.
    if (random.chance(0.5)) await offerLog();
  },
  'regrown-lamport': async ({ offer, offerLog, writer, random }) => {
    await writer().extend([{}, {}]);
    await offerLog();
    const { lamport } = writer().end();
    const { bytes } = await writer().sign([{ lamport: random.pick([1, lamport, Math.max(1, lamport - 1)]), body: forgedBody('lamport') }]);
    await offer([bytes], { forged: true });
  },
  'wrong-space': async ({ offer, offerLog, writer, universe, space }) => {
    await offerLog();
    const other = await hashSpace(universe.cryptography.crypto, `not ${space}`);
    const { bytes } = await writer().sign([{ body: forgedBody('space') }], writer().end(), other);
    await offer([bytes], { forged: true });
    const opening = await writer().sign([{ kind: KIND.open, body: `{${FORGED}:1,"account":"byzantine"}` }], { sequence: -1, id: new Uint8Array(32), lamport: 0 }, other);
    await offer([opening.bytes], { forged: true });
  },
  'cut-run': async ({ offer, offerLog, writer, random, universe, carrier, self }) => {
    await offerLog();
    const first = await writer().extend([{}, {}, {}, {}]);
    const second = await writer().extend([{}, {}]);
    for (let i = 0; i < 6; i++) await offer([mangled({ run: first.run, bytes: first.bytes, other: second.run }, random)], { guise: random.pick([carrier, self]) });
    // As a relay that knows how cuts and joins them; both are valid.
    const { crypto } = universe.cryptography;
    const slice = encodeRun(await sliceRun(crypto, first.run, first.run.first, first.run.first + 1));
    const joined = encodeRun({ ...first.run, entries: [...first.run.entries, ...second.run.entries], signature: second.run.signature });
    await offer(random.pick([[slice], [joined], [slice, joined]]), { guise: carrier });
    await offerLog(carrier);
  },
  impersonate,
  'false-statements': falseStatements,
  'withhold-body': async ({ offer, offerLog, writer, random, universe, carrier, pause }) => {
    await offerLog();
    const runs = [await writer().extend([{}, {}]), await writer().extend([{}])];
    const { crypto } = universe.cryptography;
    await offer(await Promise.all(runs.map(({ run }) => withheld(crypto, run))), { guise: random.pick([carrier, { session: 'byzantine' }]) });
    if (random.chance(0.5)) return;
    await pause(random.between(0, 120_000));
    await offerLog(carrier);
  },
  unenrolled: async ({ offer, universe, space, post, carrier }) => {
    const { cryptography } = universe;
    const nothing = { sequence: -1, id: new Uint8Array(32), lamport: 0 };
    const evil = await createEvilWriter(cryptography, space, 'byzantine');
    // Begins with no opening; names no account; is opened by somebody else's session.
    for (const draft of [{ body: forgedBody('opens nothing') }, { kind: KIND.open, body: `{${FORGED}:1}` }, { kind: KIND.open, body: `{${FORGED}:1,"account":["byzantine"]}` }]) {
      await offer([(await evil.sign([draft], nothing)).bytes], { forged: true });
    }
    const named = await evil.sign([{ kind: KIND.open, body: `{${FORGED}:1,"account":"byzantine"}` }], nothing);
    await offer([named.bytes], { guise: carrier, forged: true });
    // Nobody is signed in.
    await post.sync({ session: undefined, account: 'account-0' }, { runs: [named.bytes] });
    await post.sync({ session: 'byzantine', account: 'account-0' }, { runs: [named.bytes] });
  },
  'strange-entries': offerStrange,
  'over-long': offerOverLong,
  garbage: offerGarbage,
  replay,
  'false-cursor': async ({ post, self, random, loot }) => {
    const cursor = (await loot())?.cursor;
    if (cursor === undefined) return;
    await post.sync(self, { cursor: { ...cursor, check: random.bytes(8) } });
    await post.sync(self, { cursor: { ...cursor, epoch: 'never', position: 3 } });
    await post.sync(self, { cursor: { ...cursor, position: cursor.position + 1 + random.int(1_000) } });
    await post.sync(self, { cursor: { ...cursor, position: Number.MAX_SAFE_INTEGER } });
  },
};

/** Two signed histories of one log, told at different times, by different ways. */
async function equivocate({ writer, offer, offerLog, random, carrier, self, pause, universe }: Intruder): Promise<void> {
  await offerLog();
  const from = writer().end();
  const other = await writer().sign([{}, ...(random.chance(0.5) ? [{}] : [])], from);
  const more = await writer().sign([{}], endOf(other));
  await writer().extend([{}]);
  if (random.chance(0.3)) await writer().extend([{}, {}]);
  const longest = random.pick([100, 10_000, universe.plan.scale.busyMs / 2]);
  if (random.chance(0.8)) await offerLog(random.pick([self, carrier]));
  await pause(random.between(0, longest));
  await offer([other.bytes], { guise: random.pick([self, carrier]) });
  if (random.chance(0.5)) {
    await pause(random.between(0, longest));
    await offer([other.bytes, more.bytes], { guise: random.pick([self, carrier]) });
  }
  if (random.chance(0.5)) await offerLog(random.pick([self, carrier]));
}

/** Other people's logs, and the server's, without their keys. */
async function impersonate({ writer, offer, offerLog, loot, universe, space, victim }: Intruder): Promise<void> {
  await offerLog();
  const answer = await loot();
  if (answer === undefined) return;
  const { crypto } = universe.cryptography;
  const { key, spaceHash } = writer();
  const others = answer.runs.map(decodeRun).filter((run) => typeof run !== 'string' && logName(run.log) !== writer().log) as Run[];
  for (const run of others.slice(-3)) {
    const id = (await chainIds(crypto, run)).at(-1) ?? new Uint8Array(32);
    const after = { sequence: run.first + run.entries.length - 1, id };
    await offerUnder(run.log, after);
    await offerUnder(run.log, { sequence: run.first - 1, id: run.previous });
  }
  for (const log of answer.authorities) {
    const name = logKey(log);
    if (name !== undefined) await offerUnder(name, { sequence: (answer.acknowledged.get(log) ?? -1) + 1, id: new Uint8Array(32) });
  }
  // A log of one's own key that is opened for another account.
  const fresh = await createEvilWriter(universe.cryptography, space, victim);
  const opening = await fresh.sign([{ kind: KIND.open, body: `{"account":${JSON.stringify(victim)},${FORGED}:1}` }], { sequence: -1, id: new Uint8Array(32), lamport: 0 });
  await offer([opening.bytes], { forged: true });

  async function offerUnder(log: Bytes, after: { readonly sequence: number; readonly id: Bytes }): Promise<void> {
    const { run } = await writer().sign([{ body: forgedBody('impersonated'), lamport: 2 ** 30 }]);
    const forged = await signRun(crypto, { publicKey: log, sign: key.sign }, spaceHash, after, run.entries);
    await offer([forged.bytes], { forged: true });
  }
}

/** In its own log, signed and valid: statements that only an authority may make. They are kept, and mean nothing. */
async function falseStatements({ writer, offerLog, loot, universe, victim, random }: Intruder): Promise<void> {
  const runs = ((await loot())?.runs ?? []).map(decodeRun).filter((run) => typeof run !== 'string');
  const { log } = writer();
  const body = (value: object): string => JSON.stringify(value);
  await writer().extend([
    { kind: KIND.enrol, body: body({ log, account: victim }) },
    { kind: KIND.authority, body: body({ log, logs: [log] }) },
  ]);
  for (const run of runs.slice(-8)) {
    const ids = await chainIds(universe.cryptography.crypto, run);
    const of = { log: toBase64Url(run.log), sequence: run.first, id: toBase64Url(ids[0] ?? new Uint8Array(32)) };
    const held = Buffer.from(encodeRun(run)).toString('base64url');
    const proof = { held, other: held };
    await writer().extend([
      random.pick([
        { kind: KIND.refuse, body: body({ ...of, code: 'false', reason: 'because' }) },
        { kind: KIND.revoke, body: body(of) },
        { kind: KIND.accept, body: body(of) },
        { kind: KIND.forkVerdict, body: body({ ...of, ...proof }) },
        { kind: KIND.enrol, body: body({ log: of.log, account: 'byzantine' }) },
        { kind: KIND.erase, body: body(of) },
        { kind: KIND.prune, body: body(of) },
      ]),
    ]);
  }
  await writer().extend([{ body: writing('k/1', writer().nextMark()) }]);
  await offerLog();
}

/** What was said before, by anybody, is said again: by the carrier, in pieces, later. */
async function replay({ loot, offer, carrier, random, pause, post, universe }: Intruder): Promise<void> {
  const early = await loot();
  if (early === undefined || early.runs.length === 0) return;
  await pause(random.between(0, universe.plan.scale.busyMs / 2));
  await offer(early.runs.slice(0, 200), { guise: carrier });
  const { crypto } = universe.cryptography;
  for (let i = 0; i < 5; i++) {
    const run = decodeRun(random.pick(early.runs));
    if (typeof run === 'string') continue;
    const last = run.first + random.int(run.entries.length);
    await offer([encodeRun(await sliceRun(crypto, run, run.first + random.int(last - run.first + 1), last))], { guise: carrier });
  }
  await post.sync(carrier, { cursor: early.cursor });
  await post.raw('carrier', utf8('replayed'));
}
