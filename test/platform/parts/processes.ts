import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

/**
 * The outermost process, among this process's own descendants, whose command line holds `text` (say, a profile folder).
 * Playwright keeps the browser's pid to itself, so it is read from /proc: Linux only.
 */
export function ownProcessNaming(text: string): number {
  const own = descendantsOf(process.pid).filter((info) => info.args.includes(text));
  const pids = new Set(own.map((info) => info.pid));
  const outermost = own.filter((info) => !pids.has(info.parent));
  const [first] = outermost;
  if (first === undefined || outermost.length > 1) {
    throw new Error(`expected one process of ours naming ${text}, found ${outermost.length}`);
  }
  return first.pid;
}

/** SIGKILL to the process first, then to what it had started; returns when all of them are gone. */
export async function killTree(pid: number): Promise<void> {
  const pids = [pid, ...descendantsOf(pid).map((info) => info.pid)];
  for (const each of pids) sendSigkill(each);
  await untilGone(pids);
}

/** SIGKILL to a process and its descendants without waiting: for `process.on('exit')`. */
export function killTreeNow(pid: number): void {
  for (const each of [pid, ...descendantsOf(pid).map((info) => info.pid)]) sendSigkill(each);
}

/**
 * SIGSTOP to a process and its descendants; returns when every thread of them stands still, so that what they have on disk
 * is the state of one moment. Only SIGKILL is of use to them then.
 */
export async function freezeTree(pid: number, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    // Again and again: a process may have forked before its stop arrived.
    const pids = [pid, ...descendantsOf(pid).map((info) => info.pid)];
    const moving = pids.filter((each) => !threadStates(each).every((state) => STANDING.has(state)));
    if (moving.length === 0) return;
    if (Date.now() > end) throw new Error(`still running after SIGSTOP: ${moving.join(', ')}`);
    for (const each of moving) sendSignal(each, 'SIGSTOP');
    await delay(1);
  }
}

const STANDING: ReadonlySet<string> = new Set(['T', 't', 'Z', 'X']);

/** None when it has ended. */
function threadStates(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => statOf(`${pid}/task/${thread}`)?.state ?? 'X');
  } catch {
    return []; // the process ended while we looked
  }
}

function sendSigkill(pid: number): void {
  sendSignal(pid, 'SIGKILL');
}

function sendSignal(pid: number, signal: 'SIGKILL' | 'SIGSTOP'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

// The kernel tells only the parent when a process ends, and these are not our direct children: ask until they are gone.
async function untilGone(pids: readonly number[], withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (pids.some(isAlive)) {
    if (Date.now() > end) throw new Error(`still running after SIGKILL: ${pids.filter(isAlive).join(', ')}`);
    await delay(5);
  }
}

// A zombie counts as gone: in a container without an init nobody ever collects it.
function isAlive(pid: number): boolean {
  return !['gone', 'Z', 'X'].includes(statOf(pid)?.state ?? 'gone');
}

function descendantsOf(root: number): ProcessInfo[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processInfo(Number(name)) ?? []);
  const byParent = Map.groupBy(all, (info) => info.parent);
  const found: ProcessInfo[] = [];
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const children = byParent.get(pid) ?? [];
    found.push(...children);
    pending.push(...children.map((info) => info.pid));
  }
  return found;
}

function processInfo(pid: number): ProcessInfo | null {
  const stat = statOf(pid);
  if (stat === null) return null;
  return { pid, parent: stat.parent, args: readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') };
}

function statOf(pid: number | `${number}/task/${string}`): { readonly state: string; readonly parent: number } | null {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  // The command name stands in parentheses and may itself hold spaces and parentheses: count from the last one.
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' || state === undefined ? null : { state, parent: Number(parent) };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended while we looked
  }
}
