import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { COLLECTION, GARDEN, TASKS } from './power-server.ts';

/** A writer was told that its item is durable at the server, in the entry with this id. */
export interface Acknowledgement {
  readonly space: string;
  readonly item: string;
  readonly entry: string;
}

/** One device or REST client; goes on after a restart with what it was not told about. */
export interface PowerWriter {
  /** Sends what it was not told about: `level`, or the reason why not. */
  readonly sync: () => Promise<string>;
  /** Writes something more and sends it. */
  readonly write: () => Promise<string>;
  /** Everything that was acknowledged so far, oldest first. */
  readonly acknowledged: readonly Acknowledgement[];
  /** Items that it began to write and was never told about. */
  readonly open: () => number;
}

/** Keys that all devices of a space write now and then, beside an item of their own; a new one now and then. */
export const SHARED = 'shared-';
const SHARE_OF_SHARED = 0.05;
const WRITES_OF_SHARED = 500;

const MOST_AT_ONCE = 100;
const TEXT = 'What a device writes has to be somewhere when the lights go on again. '.repeat(2);
/** Longer than a page of the database, and than a run. */
const LONG_TEXT = TEXT.repeat(500);
const SHARE_OF_LONG = 0.005;

export async function createWriters(scratch: Scratch, origin: string, random: () => number): Promise<PowerWriter[]> {
  const devices = [TASKS, TASKS, GARDEN].map((space, number) =>
    createDeviceWriter(scratch, origin, { space, number, random }),
  );
  return [...(await Promise.all(devices)), createRestWriter(origin)];
}

interface DeviceWriterOptions {
  readonly space: string;
  readonly number: number;
  readonly random: () => number;
}

async function createDeviceWriter(
  scratch: Scratch,
  origin: string,
  { space, number, random }: DeviceWriterOptions,
): Promise<PowerWriter> {
  const opened = await openDevice({ url: origin, space, account: `account-${number}`, live: false });
  const device: NodeDevice = scratch.use(opened, (it) => it.close());
  const acknowledged: Acknowledgement[] = [];
  /** Not acknowledged yet, in the order of the log. */
  let waiting: (Acknowledgement & { readonly sequence: number })[] = [];
  let written = 0;

  function writesOf(item: string): { readonly key: string; readonly value: { readonly title: string } }[] {
    const value = { title: item, text: random() < SHARE_OF_LONG ? LONG_TEXT : TEXT };
    const shared = `${SHARED}${Math.floor(written / WRITES_OF_SHARED)}`;
    const ids = random() < SHARE_OF_SHARED ? [item, shared] : [item];
    return ids.map((id) => ({ key: `${COLLECTION}/${id}`, value }));
  }

  async function writeSome(): Promise<void> {
    const items = Array.from({ length: 1 + Math.floor(random() * MOST_AT_ONCE) }, () => `device${number}-${written++}`);
    const drafts = items.map((item) => ({ writes: writesOf(item) }));
    const appended = await device.appendMany(drafts);
    waiting.push(...appended.map(({ id, sequence }, i) => ({ space, item: items[i] ?? '', entry: id, sequence })));
  }

  /** What is acknowledged is a beginning of the log. */
  async function noteAcknowledged(): Promise<void> {
    const last = waiting.at(-1)?.sequence;
    if (last === undefined) return;
    const { unsent } = await device.status();
    const told = waiting.filter(({ sequence }) => sequence <= last - unsent);
    waiting = waiting.slice(told.length);
    acknowledged.push(...told);
  }

  async function sync(): Promise<string> {
    const outcome = await device.sync();
    await noteAcknowledged();
    return outcome;
  }

  return {
    sync,
    acknowledged,
    open: () => waiting.length,
    async write() {
      await writeSome();
      return sync();
    },
  };
}

/** Posts to the collection: entries of the server's own log. What was not answered is sent again under the same key (CAP26). */
function createRestWriter(origin: string): PowerWriter {
  const acknowledged: Acknowledgement[] = [];
  let unanswered: string | undefined;
  let written = 0;

  async function post(): Promise<'level' | 'offline'> {
    unanswered ??= `rest-${written++}`;
    const item = unanswered;
    const headers = { 'content-type': 'application/json', 'idempotency-key': item };
    const body = JSON.stringify({ title: item, text: TEXT });
    const answer = await fetch(origin + COLLECTION, { method: 'POST', headers, body }).catch(() => undefined);
    if (answer === undefined) return 'offline';
    const entry = answer.headers.get('etag')?.replaceAll('"', '');
    if (answer.status !== 201 || entry === undefined) throw new Error(`${item} was answered with ${answer.status}`);
    acknowledged.push({ space: TASKS, item, entry });
    unanswered = undefined;
    // The answer counts from its head on; its body may be cut off.
    await answer.text().catch(() => undefined);
    return 'level';
  }

  return {
    sync: async () => (unanswered === undefined ? 'level' : post()),
    acknowledged,
    open: () => (unanswered === undefined ? 0 : 1),
    write: post,
  };
}
