import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../../core/log/bytes.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { KIND } from '../../../core/log/header.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { nodeWriterSeeds } from '../../../server/crypto/node-writer-key.ts';
import { createNodePorts } from '../../../server/device/node-ports.ts';
import { nodeFiles } from '../../../server/spaces/atomic-file.ts';
import { openSpace } from '../../../server/spaces/open-space.ts';
import type { Spaces } from '../../../server/spaces/spaces.ts';
import { createSpaces } from '../../../server/spaces/spaces.ts';
import type { SyncContext } from '../../../server/sync/answer-sync.ts';
import { answerSync } from '../../../server/sync/answer-sync.ts';
import type { Session } from '../../../server/sync/session.ts';
import type { DraftLike, TestWriter } from '../log/test-writer.ts';
import { createTestWriter, SPACE } from '../log/test-writer.ts';
import type { LogLine } from './start-server.ts';
import { createCollectingLog } from './start-server.ts';

/** The responder without HTTP, on the reference store. */
export interface Responder {
  readonly spaces: Spaces;
  readonly lines: LogLine[];
  /** One for each request that brought something new. */
  readonly news: string[];
  /** One space's part of an exchange, asked by `account`. */
  readonly ask: (part: Partial<SpaceRequest>, session?: Partial<Session>, account?: string) => Promise<SpaceResponse>;
}

export function createResponder(options: Partial<SyncContext> = {}): Responder {
  const crypto = createNodeCrypto();
  const lines: LogLine[] = [];
  const log = createCollectingLog(lines);
  const dataDir = mkdtempSync(join(tmpdir(), 'wakelog-responder-'));
  const spaces = createSpaces((name) => {
    const store = createServingLogStore(createMemoryRowStore(), crypto);
    const viewStore = createMemoryViewStore();
    return openSpace({
      name,
      dataDir,
      files: nodeFiles,
      seeds: nodeWriterSeeds,
      store,
      viewStore,
      baseEpoch: 'base',
      createPorts: createNodePorts,
      log,
    });
  }, log);
  const news: string[] = [];
  const context: SyncContext = {
    spaces,
    crypto,
    now: () => 1,
    mayWrite: () => true,
    validate: undefined,
    onCarried: () => undefined,
    onNew: ({ account }) => void news.push(account),
    ...options,
  };
  return {
    spaces,
    lines,
    news,
    async ask(part, session = {}, account = 'ann') {
      const full: SpaceRequest = { space: SPACE, cursor: undefined, vector: undefined, runs: [], ...part };
      const who: Session = { account, read: () => true, write: () => true, ...session };
      const { spaces: answers } = await answerSync({ account, device: `${account}'s`, spaces: [full] }, who, context);
      const [answer] = answers;
      if (answer === undefined) throw new Error('one answer for each space');
      return answer;
    },
  };
}

/** A log of an account: its first run opens it. */
export interface AccountWriter extends TestWriter {
  readonly runs: (...drafts: readonly DraftLike[]) => Promise<Bytes[]>;
}

export async function createAccountWriter(
  account: string,
  name = account,
): Promise<AccountWriter & { readonly opening: Bytes }> {
  const writer = createTestWriter(name);
  const opening = await writer.writeRun({ kind: KIND.open, parts: [utf8(JSON.stringify({ device: 'd', account }))] });
  const runs = async (...drafts: readonly DraftLike[]): Promise<Bytes[]> =>
    (await writer.write(...drafts)).map(({ bytes }) => bytes);
  return { ...writer, opening: opening.bytes, runs };
}
