import { createReplica } from '../../../core/engine/create-replica.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { Bytes } from '../../../core/log/bytes.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { FRAME_TARGET_BYTES, SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createNodePorts, createStoredWriterKeys } from '../../../server/device/node-ports.ts';
import type { Workload } from '../workload.ts';
import { keyOf, valueOf } from '../workload.ts';
import type { BenchSite } from './bench-site.ts';
import { send } from './bench-site.ts';

/** A log of the whole workload, written by a Node device, as the frames in which a server hands it out. */
export interface SyncSource {
  readonly mountUrl: string;
  /** The same bytes as plain files. */
  readonly urls: readonly string[];
  readonly wireBytes: number;
}

const EPOCH = 'bench';

/**
 * Serves ready-made answers of the sync protocol: a server that costs nothing, so that what is measured is the device. Each
 * request is decoded and answered by its vector: a new device has no cursor before it is level.
 */
export async function createSyncSource(site: BenchSite, workload: Workload): Promise<SyncSource> {
  const frames = await writeFrames(workload);
  const bytesByNext = new Map(frames.map(({ first, bytes }) => [first, bytes]));
  site.route('/wakelog/sync', (request, response) => {
    const pieces: Uint8Array[] = [];
    request.on('data', (piece: Uint8Array) => pieces.push(piece));
    request.on('end', () => {
      const message = decodeSyncRequest(new Uint8Array(Buffer.concat(pieces)));
      const part = typeof message === 'string' ? undefined : message.spaces[0];
      const held = [...(part?.vector?.values() ?? [])][0] ?? -1;
      const frame = part && bytesByNext.get(held + 1);
      if (frame === undefined) response.writeHead(500).end();
      else send(response, SYNC_CONTENT_TYPE, frame);
    });
  });
  for (const [i, { bytes }] of frames.entries())
    site.route(`/frames/${i}`, (_request, response) => send(response, 'application/octet-stream', bytes));
  return {
    mountUrl: `${site.origin}/wakelog`,
    urls: frames.map((_, i) => `${site.origin}/frames/${i}`),
    wireBytes: frames.reduce((total, { bytes }) => total + bytes.length, 0),
  };
}

async function writeFrames(workload: Workload): Promise<{ readonly first: number; readonly bytes: Bytes }[]> {
  const crypto = createNodeCrypto();
  const store = createServingLogStore(createMemoryRowStore(), crypto);
  const writer = await createReplica({
    space: 'bench',
    account: 'source',
    device: 'source',
    store,
    viewStore: createMemoryViewStore(),
    ports: createNodePorts(createStoredWriterKeys(store)),
    mergeDurability: 'strict',
  });
  await writer.append(
    Array.from({ length: workload.entries }, (_, entry) => ({
      writes: [{ key: keyOf(workload, entry), value: valueOf(entry) }],
    })),
  );
  const acknowledged = new Map((await store.heads()).map(({ log, sequence }) => [log, sequence]));
  const frames: { first: number; bytes: Bytes }[] = [];
  for (let from = 0; ;) {
    const { runs, position, level } = await store.after(from, FRAME_TARGET_BYTES);
    const check = (await store.arrival(position))?.id.slice(0, 8) ?? new Uint8Array(8);
    const answer = {
      space: 'bench',
      cursor: { epoch: EPOCH, position, check },
      authorities: [],
      acknowledged,
      compareVectors: false,
      refused: [],
      runs: runs.map(encodeRun),
      level,
    };
    frames.push({ first: runs[0]?.first ?? 0, bytes: encodeSyncResponse({ time: Date.now(), spaces: [answer] }) });
    if (level) break;
    from = position;
  }
  await writer.close();
  return frames;
}
