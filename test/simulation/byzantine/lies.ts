import type { Bytes } from '../../../core/log/bytes.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import { runEnd } from '../../../core/log/run-codec.ts';
import { MAX_FRAME_BYTES } from '../../../core/protocol/limits.ts';
import type { RefusedRun, SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import type { Lie } from '../plan/plan.ts';
import type { Universe } from '../universe/universe.ts';
import type { SimRandom } from '../world/random.ts';
import { createEvilPost } from './evil-post.ts';
import { createEvilWriter, endOf } from './evil-writer.ts';
import { flipped, forgedBody } from './forge.ts';
import { intrusionsOf } from './intrusions.ts';

/** One request of a device and the way to ask the honest server the same, or something else. */
export interface LieContext {
  readonly asked: SpaceRequest;
  /** Undefined when the server does not answer. */
  readonly ask: (part: SpaceRequest) => Promise<SpaceResponse | undefined>;
}

/** What the device is told; undefined: nothing. */
export type TellLie = (context: LieContext) => Promise<SpaceResponse | Bytes | undefined>;

interface LieParts {
  readonly universe: Universe;
  readonly random: SimRandom;
  readonly space: string;
}

const CODES: readonly RefusedRun['code'][] = ['malformed', 'bad-signature', 'too-large', 'unsupported-format', 'unenrolled', 'forbidden', 'fork', 'gap', 'storage-full'];
const MOST_ANSWERS = 20;

/** What a server may say that is not so. Its authority logs apart: who speaks for a space is what a server is trusted with. */
export const LIES_TOLD: Readonly<Record<Lie, (parts: LieParts) => TellLie>> = {
  /** There is nothing new, it says, and gives the cursor behind what it kept. */
  withhold:
    ({ random }) =>
    async ({ asked, ask }) => {
      const honest = await ask(asked);
      return honest && { ...honest, runs: honest.runs.filter(() => random.chance(0.3)), level: true };
    },
  'cursor-ahead':
    ({ random }) =>
    async ({ asked, ask }) => {
      const honest = await ask(asked);
      if (honest === undefined) return undefined;
      const { cursor } = honest;
      return { ...honest, runs: [], level: true, cursor: { ...cursor, position: cursor.position + 1 + random.int(1_000), check: random.bytes(8) } };
    },
  /** All is durable, it says, and throws it away. */
  acknowledge:
    () =>
    async ({ asked, ask }) => {
      const honest = await ask({ ...asked, runs: [] });
      if (honest === undefined) return undefined;
      const acknowledged = new Map(honest.acknowledged);
      for (const bytes of asked.runs) {
        const end = runEnd(bytes);
        if (end !== undefined) acknowledged.set(end.log, end.last + 1_000);
      }
      return { ...honest, acknowledged };
    },
  refuse:
    ({ random }) =>
    async ({ asked, ask }) => {
      const honest = await ask({ ...asked, runs: [] });
      const refused = asked.runs.flatMap((bytes): RefusedRun[] => {
        const end = runEnd(bytes);
        const code = random.pick(CODES);
        return end === undefined ? [] : [{ log: end.log, first: Math.max(0, end.last - 1), code, ...(code === 'gap' ? { expected: random.int(end.last + 2) } : {}) }];
      });
      const once = [...new Map(refused.map((run) => [run.log, run])).values()];
      return honest && { ...honest, refused: once };
    },
  'alter-runs': (parts) => async (context) => {
    const honest = await context.ask(context.asked);
    return honest && { ...honest, runs: await altered(parts, honest.runs) };
  },
  fork: (parts) => {
    let branches: readonly Bytes[] | undefined;
    return async ({ asked, ask }) => {
      const honest = await ask(asked);
      branches ??= await signBranches(parts);
      return honest && { ...honest, runs: [...honest.runs, branches[0] ?? new Uint8Array(0), parts.random.pick(branches.slice(1))] };
    };
  },
  compare:
    () =>
    async ({ asked, ask }) => {
      const honest = await ask(asked);
      return honest && { ...honest, compareVectors: true, level: false, runs: [] };
    },
  epochs:
    ({ random }) =>
    async ({ asked, ask }) => {
      const honest = await ask(asked);
      return honest && { ...honest, cursor: { epoch: toBase64Url(random.bytes(12)), position: random.int(1_000), check: random.bytes(8) } };
    },
  huge: ({ random }) => async ({ asked, ask }) => {
    const honest = await ask(asked);
    if (honest === undefined) return undefined;
    if (random.chance(0.3)) return new Uint8Array(MAX_FRAME_BYTES + 1);
    if (random.chance(0.5)) return { ...honest, runs: [...honest.runs, new Uint8Array(1_200_000)] };
    return { ...honest, acknowledged: new Map(Array.from({ length: 3_000 }, () => [toBase64Url(random.bytes(32)), random.int(2 ** 40)])) };
  },
  replay: ({ random }) => {
    const answers: SpaceResponse[] = [];
    return async ({ asked, ask }) => {
      const honest = await ask(asked);
      if (honest !== undefined && answers.length < MOST_ANSWERS) answers.push(honest);
      return answers.length === 0 ? undefined : random.pick(answers);
    };
  },
};

async function altered({ universe, random, space }: LieParts, runs: readonly Bytes[]): Promise<Bytes[]> {
  const { cryptography, world } = universe;
  const evil = await createEvilWriter(cryptography, space, 'byzantine');
  const elsewhere = await hashSpace(cryptography.crypto, `not ${space}`);
  const { bytes } = await evil.sign([{ body: forgedBody('another space') }], { sequence: -1, id: new Uint8Array(32), lamport: 0 }, elsewhere);
  intrusionsOf(world).offer({ space, bytes, forged: true });
  return [...runs.map((run) => (random.chance(0.5) ? flipped(run, random) : run)), bytes];
}

/** The opening of a log, and two entries that both claim to follow it. */
async function signBranches({ universe, space }: LieParts): Promise<readonly Bytes[]> {
  const evil = await createEvilWriter(universe.cryptography, space, 'byzantine');
  // The honest server lets it in, as anybody; what it is shown of the rest is nothing.
  await createEvilPost(universe, space).sync({ session: 'byzantine' }, { runs: evil.runs });
  const from = evil.end();
  const one = await evil.sign([{}], from);
  const other = await evil.sign([{}], from);
  return [evil.runs[0] ?? new Uint8Array(0), one.bytes, other.bytes, (await evil.sign([{}], endOf(one))).bytes];
}
