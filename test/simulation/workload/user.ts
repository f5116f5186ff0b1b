import { PageError } from '../../../client/page-error.ts';
import type { PageDraft, PageWrite } from '../../../core/protocol/page-messages.ts';
import type { Page } from '../browser/sim-tab.ts';
import type { Ledger, Write } from '../checks/ledger.ts';
import { numberOf, valueOf } from '../checks/ledger.ts';
import { runAsWorld } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { OverwriteOptions } from './overwrite.ts';
import { checkOverwrite } from './overwrite.ts';

export interface UserOptions extends OverwriteOptions {
  readonly ledger: Ledger;
  readonly random: SimRandom;
  readonly keys: number;
  /** Hundreds of entries at once, now and then. */
  readonly bulk: boolean;
  /** Between two actions, on average; virtual ms. */
  readonly actionMs: number;
  /** Whether whatever was acknowledged here is shown here from then on, through every crash and power cut. */
  readonly showsAllOwn: boolean;
  readonly onAcknowledged: (write: Write) => void;
  /** Nothing is begun after this moment of virtual time. */
  readonly untilMs: number;
}

/** The collection whose requests the worker captures. */
export const CAPTURED = '/api/notes';

/** After so long without an answer an app asks again, under the same key. */
const APP_WAITS_MS = 5_000;

type Act = (page: Page, user: UserOptions) => Promise<void>;

/** Somebody who works in a tab until it closes or time is up. Every write is in the ledger before it is asked for. */
export function startUser(user: UserOptions): void {
  const { world, tab, random, actionMs, untilMs } = user;
  const next = (): void => {
    world.after(random.between(0.1, 1.9) * actionMs, 'user acts', () => {
      if (!tab.isOpen() || world.now() > untilMs) return;
      const act = user.bulk && random.chance(0.05) ? putMany : random.pick(ACTS);
      tab.act((page) => act(page, user));
      next();
    });
  };
  next();
}

/** So many writes at once, or within so long, as an eager person or a script makes them. */
export function burst(user: UserOptions, writes: number, overMs: number): void {
  const { world, tab, random } = user;
  for (let i = 0; i < writes; i++) {
    const write = (): void => tab.act((page) => put(page, user));
    if (overMs === 0) write();
    else world.after(random.between(0, overMs), 'a burst goes on', write);
  }
}

const put: Act = async (page, user) => {
  const key = anyKey(user);
  const write = async (): Promise<Write> => {
    const [noted] = note(user, [key]);
    await append(page, user, noted, [{ writes: [{ key, value: valueOf(noted, { key, fill: filling(user.random) }) }] }]);
    return noted;
  };
  await (user.random.chance(0.3) ? checkOverwrite(page, user, key, write) : write());
};

/** Several keys in one entry: all of it is seen, or nothing. */
const putTogether: Act = async (page, user) => {
  const keys = [...new Set(Array.from({ length: 2 + user.random.int(4) }, () => anyKey(user)))];
  const [write] = note(user, keys);
  const writes = keys.map((key): PageWrite => ({ key, value: valueOf(write, { key, fill: '' }) }));
  await append(page, user, write, [{ writes }]);
};

/** Several entries of one request, in order. */
const putInOrder: Act = async (page, user) => {
  const keys = Array.from({ length: 2 + user.random.int(6) }, () => anyKey(user));
  const noted = keys.map((key) => ({ key, write: note(user, [key])[0] }));
  const drafts = noted.map(({ key, write }): PageDraft => ({ writes: [{ key, value: valueOf(write, { key, fill: '' }) }] }));
  await append(page, user, noted.map(({ write }) => write), drafts);
};

/** As an import does: many entries of one request, of keys all over the space. */
const putMany: Act = async (page, user) => {
  const keys = Array.from({ length: 100 + user.random.int(200) }, () => `k/${user.random.int(2_000)}`);
  const noted = keys.map((key) => ({ key, write: note(user, [key])[0] }));
  const drafts = noted.map(({ key, write }): PageDraft => ({ writes: [{ key, value: valueOf(write, { key, fill: 'x'.repeat(200) }) }] }));
  await append(page, user, noted.map(({ write }) => write), drafts);
};

const remove: Act = async (page, user) => {
  await page.ask('append', { ...user.tab.scope, attempt: attempt(user.random), drafts: [{ writes: [{ key: anyKey(user), deleted: true }] }] });
};

/** A conflict is resolved by an entry that names every live version. */
const resolve: Act = async (page, user) => {
  const [conflict] = await page.ask('conflicts', user.tab.scope);
  if (conflict === undefined) return;
  const [write, [key = '']] = note(user, [conflict.key]);
  await append(page, user, write, [{ writes: [{ key, value: valueOf(write, { key, fill: '' }), parents: conflict.ids }] }]);
};

const capturedPost: Act = async (page, user) => {
  const [write] = note(user, []);
  const headers = { 'content-type': 'application/json', 'idempotency-key': attempt(user.random) };
  const body = JSON.stringify(valueOf(write, { key: '', fill: filling(user.random) }));
  const send = (): Promise<Response | undefined> => page.fetch({ method: 'POST', path: CAPTURED, headers, body }).catch(() => undefined);
  // A double click.
  if (user.random.chance(0.1)) void send();
  // As an app does: the same request again until it has an answer.
  for (let i = 0; i < 4; i++) {
    const answer = await Promise.race([send(), new Promise<undefined>((resolve) => setTimeout(resolve, APP_WAITS_MS))]);
    if (answer === undefined) continue;
    settle(user, [write], answer.status === 201 ? 'acknowledged' : answer.status === 507 ? 'refused' : 'unknown');
    return;
  }
};

const read: Act = async (page, user) => {
  await page.ask('item', { ...user.tab.scope, key: anyKey(user) });
};

const list: Act = async (page, user) => {
  const items = await page.ask('items', { ...user.tab.scope, prefix: 'k/' });
  checkWhole(user, items.map(({ key, value, deleted }) => ({ key, text: deleted ? '' : JSON.stringify(value) })));
};

/** What was made here and acknowledged is listed here from then on, through every crash, server or not (S2.8, S2.11). */
const listNotes: Act = async (page, user) => {
  const { ledger, tab, world, showsAllOwn } = user;
  if (!showsAllOwn) return;
  const { scope, browser } = tab;
  const isDue = ({ keys, machine, acknowledgedAt, gone }: Write): boolean =>
    keys.length === 0 && machine === browser.name && acknowledgedAt !== undefined && gone === undefined;
  const due = ledger.writes().filter((write) => write.scope.account === scope.account && write.scope.space === scope.space && isDue(write));
  const items = await page.ask('items', { ...scope, prefix: `${CAPTURED}/` });
  const listed = new Set(items.map(({ value }) => numberOf(JSON.stringify(value))));
  const lacking = due.find((write) => !listed.has(write.number) && isDue(write));
  if (lacking !== undefined) world.fail('S2.11', `${browser.name} acknowledged write ${lacking.number} and does not list it`);
};

const look: Act = async (page, { tab }) => {
  await page.ask('status', tab.scope);
};

const accept: Act = async (page, { tab }) => {
  await page.ask('accept', tab.scope);
};

const syncNow: Act = async (page, { tab, random }) => {
  await page.ask('sync', { ...tab.scope, why: random.pick(['call', 'focus', 'visible', 'online'] as const) });
};

const hide: Act = async (_page, { tab, random }) => {
  tab.client.visibilityState = random.chance(0.5) ? 'hidden' : 'visible';
};

const ACTS: readonly Act[] = [put, put, put, put, put, putTogether, putInOrder, remove, resolve, capturedPost, capturedPost, read, list, listNotes, look, accept, syncNow, hide];

function note({ ledger, tab, world }: UserOptions, keys: readonly string[]): [Write, readonly string[]] {
  const write = ledger.ask({ scope: tab.scope, machine: tab.browser.name, keys, askedAt: world.now() });
  runAsWorld(() => world.trace(`${tab.client.id} asks for write ${write.number}: ${keys.join(' ')}`));
  return [write, keys];
}

async function append(page: Page, user: UserOptions, written: Write | readonly Write[], drafts: readonly PageDraft[]): Promise<void> {
  const writes = Array.isArray(written) ? (written as readonly Write[]) : [written as Write];
  const { tab, random } = user;
  try {
    const appended = await page.ask('append', { ...tab.scope, attempt: attempt(random), drafts });
    if (appended.length !== drafts.length) user.world.fail('SYNC10', `${drafts.length} drafts were answered with ${appended.length} entries`);
    settle(user, writes, 'acknowledged');
    await readBack(page, user, writes);
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    // `busy`: nobody knows. Everything else says that nothing was taken.
    settle(user, writes, error.code === 'busy' || error.code === 'internal' ? 'unknown' : 'refused');
  }
}

/** What was just acknowledged is what its tab reads, unless somebody wrote the key meanwhile (design §5). */
async function readBack(page: Page, user: UserOptions, writes: readonly Write[]): Promise<void> {
  const last = writes.at(-1);
  const [key] = last?.keys ?? [];
  if (last === undefined || key === undefined || user.random.chance(0.7)) return;
  const item = await page.ask('item', { ...user.tab.scope, key });
  if (item === null) user.world.fail('SYNC10', `write ${last.number} of ${key} was acknowledged and cannot be read`);
}

function settle({ world, ledger, onAcknowledged }: UserOptions, writes: readonly Write[], outcome: 'acknowledged' | 'refused' | 'unknown'): void {
  for (const { number } of writes) {
    const write = ledger.byNumber(number);
    if (write === undefined) continue;
    if (outcome === 'acknowledged') {
      write.acknowledgedAt = world.now();
      onAcknowledged(write);
    }
    if (outcome === 'refused') write.refused = true;
    runAsWorld(() => world.trace(`write ${number} ${outcome}`));
  }
}

/**
 * A list never shows a part of an entry: where one of the keys shows what a write set, every other key of it is there, as
 * that write set it or as a later one did, if only as deleted.
 */
function checkWhole({ world, ledger }: UserOptions, items: readonly { readonly key: string; readonly text: string }[]): void {
  const present = new Set(items.map(({ key }) => key));
  for (const { text } of items) {
    const number = numberOf(text);
    const write = number === undefined ? undefined : ledger.byNumber(number);
    const lacking = write?.keys.find((key) => !present.has(key));
    if (lacking !== undefined) world.fail('VIEW1', `write ${number} is shown without ${lacking}`);
  }
}

function anyKey({ random, keys }: UserOptions): string {
  return `k/${random.int(keys)}`;
}

function attempt(random: SimRandom): string {
  return `attempt-${random.int(2 ** 31)}-${random.int(2 ** 31)}`;
}

/** Mostly short, now and then larger than what is stored in one piece. */
function filling(random: SimRandom): string {
  if (random.chance(0.95)) return 'x'.repeat(random.int(40));
  return 'x'.repeat(random.int(random.chance(0.2) ? 120_000 : 3_000));
}
