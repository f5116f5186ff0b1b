import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { createEventLog } from './parts/event-log.ts';
import type { EventLog } from './parts/event-log.ts';
import { killTree } from './parts/processes.ts';
import { endWithUs } from './parts/scratch.ts';
import type { TcpGate } from './tcp-gate.ts';

export interface ServerProcessEvents {
  line: { readonly stream: 'stdout' | 'stderr'; readonly text: string };
}

export interface ServerProcess {
  readonly pid: number;
  /** Where the ready line says that it listens. */
  readonly port: number;
  readonly log: EventLog<ServerProcessEvents>;
  /** SIGKILL to it and its children; returns when they are gone. */
  kill(): Promise<void>;
  /** SIGTERM; returns the exit code, or null when a signal ended it. */
  stop(): Promise<number | null>;
}

export interface ServerCommand {
  /** Program and arguments; `node` as the program means the Node that runs the test. */
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The port, when a printed line says that the server is ready. Default: `portInLine`. */
  readonly ready?: (line: string) => number | null;
  /** Default 20 s. */
  readonly readyWithinMs?: number;
}

/** Starts a server as a child process and returns when it has printed its ready line. */
export async function startServerProcess(options: ServerCommand): Promise<ServerProcess> {
  const { command, ready = portInLine, readyWithinMs = 20_000 } = options;
  const [program, ...args] = command;
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const log = createEventLog<ServerProcessEvents>(command.join(' '));
  followLines(child, log);
  await Promise.race([once(child, 'spawn'), exited]);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command.join(' ')} could not be started`);
  const forget = endWithUs(pid);
  void exited.then(forget);

  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    await killTree(pid);
    await exited;
  };
  const died = exited.then(([code]): never => {
    const printed = log
      .all('line')
      .map((line) => line.text)
      .join('\n');
    throw new Error(`${command.join(' ')} ended with ${code} before it was ready:\n${printed}`);
  });
  died.catch(() => {}); // after the race nobody listens, and then an exit is no failure
  try {
    const line = await Promise.race([
      log.until('line', ({ text }) => ready(text) !== null, { withinMs: readyWithinMs }),
      died,
    ]);
    return { pid, port: ready(line.text) ?? 0, log, kill, stop: () => stop(child, exited) };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** A server whose address stays the gate's while it is killed and started again on the same data folder. */
export interface ServerBehindGate {
  /** The present process; a later one after `restart`. */
  readonly process: ServerProcess;
  readonly gate: TcpGate;
  kill(): Promise<void>;
  /** Kills what still runs, starts the command anew and points the gate at its new port. */
  restart(): Promise<void>;
  /** Kills the process; the gate is its maker's to close. */
  end(): Promise<void>;
}

/** `command` should name port 0 and its data folder: the folder is what a restart finds again, the gate keeps the port. */
export async function startServerBehindGate(gate: TcpGate, command: ServerCommand): Promise<ServerBehindGate> {
  let current = await startServerProcess(command);
  gate.setUpstream(current.port);
  const kill = async (): Promise<void> => {
    await current.kill();
    gate.setUpstream(null);
  };
  return {
    get process() {
      return current;
    },
    gate,
    kill,
    async restart() {
      await kill();
      current = await startServerProcess(command);
      gate.setUpstream(current.port);
    },
    end: kill,
  };
}

/** The port in a printed http URL, in JSON or plain text, or else in a JSON log line with a numeric `port`. */
export function portInLine(line: string): number | null {
  const fromText = /\bhttps?:\/\/[^\s"/]+:(\d+)/.exec(line)?.[1];
  if (fromText !== undefined) return Number(fromText);
  const fromJson = /"port":\s*(\d+)/.exec(line)?.[1];
  return fromJson === undefined ? null : Number(fromJson);
}

async function stop(
  child: ChildProcessByStdio<null, Readable, Readable>,
  exited: Promise<[number | null]>,
): Promise<number | null> {
  child.kill('SIGTERM');
  const [code] = await exited;
  return code;
}

function followLines(child: ChildProcessByStdio<null, Readable, Readable>, log: EventLog<ServerProcessEvents>): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[stream] }).on('line', (text) => log.note('line', { stream, text }));
  }
}
