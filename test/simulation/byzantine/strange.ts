import type { Bytes } from '../../../core/log/bytes.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { MAX_BODY_BYTES, MAX_CLOCK_MS, MAX_RUN_ENTRIES } from '../../../core/log/limits.ts';
import type { EvilDraft } from './evil-writer.ts';
import { forgedBody } from './forge.ts';
import type { Intruder } from './intruder.ts';

/** Bodies that say nothing that anybody understands: such entries are kept, and shown by no view (LOG12). */
const WITHOUT_MEANING: readonly (string | Bytes)[] = [
  '',
  'no json',
  '{"writes":[["put","k/0",1,[]]],"more":1}',
  '\ufeff{"writes":[["put","k/0",1,[]]]}',
  new Uint8Array([0xff, 0xfe, 0x00]),
  `{"writes":[["put","${'x'.repeat(1_025)}",1,[]]]}`,
  '{"writes":[["put","",1,[]]]}',
  '{"writes":[["put","__proto__",{"__proto__":{"polluted":true}},[]]]}',
  '{"writes":[["put","k/0",{"a":{"__proto__":1}},[]]]}',
  '{"writes":[["put","k/\\ud800",1,[]]]}',
  '{"writes":[["put","k/0",1e999,[]]]}',
  `{"writes":[["put","k/0",${'['.repeat(80)}${']'.repeat(80)},[]]]}`,
  '{"writes":[["put","k/0",1,[]],["put","k/0",2,[]]]}',
  '{"writes":[["put","k/0",1,[99999]]]}',
  '{"writes":[["put","k/0",1,["not an id"]]]}',
  '{"writes":[["take","k/0",[]]]}',
  '{"writes":[["put","k/0",1,[]]],"writes":[]}',
];

/** Bodies with a meaning that is no good one. */
const MEANT: readonly string[] = [
  '{"writes":[["put","__proto__",{"evil":true},[]]]}',
  '{"writes":[["put","constructor",1,[]],["put","toString",1,[]],["put","hasOwnProperty",null,[]]]}',
  `{"writes":[["put","${'k'.repeat(1_024)}",1,[]]]}`,
  `{"writes":[["put","k/0",1,["${'A'.repeat(43)}"]]]}`,
  `{"writes":[["delete","k/0",[]],["put","k/1",null,[]]],"origin":"${'A'.repeat(43)}"}`,
  `{"writes":[["put","k/\\u0000",${'['.repeat(60)}${']'.repeat(60)},[]]]}`,
  '{"writes":[["put","/api/notes/%2e%2e",{"id":"..","w":"none"},[]]]}',
  '{"writes":[["put","k/0",{"id":"another"},[]]],"events":[{"__type":"x"}]}',
];

/** Valid runs of entries that nobody was made for: all replicas keep them, and show the same. */
export async function offerStrange({ writer, offer, offerLog, random, carrier }: Intruder): Promise<void> {
  const drafts: EvilDraft[] = [
    { body: random.pick(WITHOUT_MEANING) },
    { body: random.pick(WITHOUT_MEANING) },
    { body: random.pick(MEANT) },
    { kind: 1 + random.int(255), body: random.pick(MEANT) },
    { flags: 4 << random.int(13), body: random.pick(MEANT) },
    { flags: 1, body: 'not readable' },
    { clock: random.pick([0, MAX_CLOCK_MS]) },
  ];
  await writer().extend(drafts.slice(0, 1 + random.int(drafts.length)));
  if (random.chance(0.3)) await writer().extend([{ lamport: writer().end().lamport + random.pick([2 ** 20, 2 ** 40]) }]);
  await offerLog(random.pick([carrier, { session: 'byzantine' }]));
  // A format that is not ours yet, and one that nobody has.
  const { bytes } = await writer().sign([{ body: forgedBody('format') }]);
  const other = bytes.slice();
  other[0] = random.pick([0, 2, 255]);
  await offer([other], { forged: true });
}

/** More than a run may be (LOG4). */
export async function offerOverLong({ writer, offer, offerLog }: Intruder): Promise<void> {
  await offerLog();
  const body = forgedBody('too much');
  const many = await writer().sign(Array.from({ length: MAX_RUN_ENTRIES + 1 }, () => ({ body })));
  await offer([many.bytes], { forged: true });
  const heavy = await writer().sign([{ body: body.padEnd(40_000) }, { body: body.padEnd(20_000) }]);
  await offer([heavy.bytes], { forged: true });
  const large = await writer().sign([{ body: body.padEnd(MAX_BODY_BYTES + 1) }]);
  await offer([large.bytes], { forged: true });
  // As much as may be is taken.
  await writer().extend(Array.from({ length: MAX_RUN_ENTRIES }, () => ({ body: '' })));
  await writer().extend([{ body: JSON.stringify({ writes: [['put', 'large', 'x'.repeat(70_000), []]] }) }]);
  await offerLog();
}

/** Bytes that are no message, or one that says nonsense. */
export async function offerGarbage({ post, random, writer, offer }: Intruder): Promise<void> {
  for (const session of ['byzantine', undefined]) {
    await post.raw(session, random.bytes(random.int(400)));
    await post.raw(session, new Uint8Array(0));
    // A list in a list in a list; a map that says it has 2^32 members; another version of the protocol.
    await post.raw(session, new Uint8Array(3_000).fill(0x81));
    await post.raw(session, new Uint8Array([0xbb, 0, 0, 0, 1, 0, 0, 0, 0]));
    await post.raw(session, new Uint8Array([0xa1, 0x61, 0x76, 0x18, 0x63]));
    await post.raw(session, utf8('{"__proto__":{"v":1}}'));
  }
  await offer([random.bytes(20), random.bytes(300)]);
  await offer([writer().runs[0]?.slice(0, 40) ?? new Uint8Array(0)]);
}
