import type { Workload } from './workload.ts';

/** What the bench worker can be told to do; durations in ms, of the timed part alone. */
export interface Commands {
  /** Nothing: only that a stopped worker is started. */
  readonly wake: { readonly ask: object; readonly answer: null };
  /** One record of 200 bytes in a strict transaction, again and again. */
  readonly rawPuts: { readonly ask: { readonly count: number }; readonly answer: readonly number[] };
  /** The workload's values in packs of 48 KiB, strict; kept as `name`. */
  readonly rawWrite: { readonly ask: { readonly name: string; readonly workload: Workload }; readonly answer: number };
  /** The last value of every key in packs of 48 KiB, untimed; kept as `name`. */
  readonly rawKeep: { readonly ask: { readonly name: string; readonly workload: Workload }; readonly answer: null };
  /** Opens a kept database and reads one value, or all of them. */
  readonly rawRead: { readonly ask: ReadAsk; readonly answer: number };
  /** Fetches addresses and stores their bodies in pieces of 48 KiB, relaxed; one transaction each. */
  readonly rawDownload: { readonly ask: { readonly urls: readonly string[] }; readonly answer: number };
  /** Appends the workload; `keep` leaves the database, with its view written, as `name`. */
  readonly write: {
    readonly ask: { readonly name: string; readonly workload: Workload; readonly keep: boolean };
    readonly answer: number;
  };
  /** Opens a kept database with an engine and reads one item, or all of them. */
  readonly read: { readonly ask: ReadAsk; readonly answer: number };
  /** A new device syncs with a server until level. */
  readonly catchUp: {
    readonly ask: { readonly mountUrl: string; readonly workload: Workload };
    readonly answer: number;
  };
}

export interface ReadAsk {
  readonly name: string;
  readonly workload: Workload;
  readonly what: 'one' | 'all';
}

export type CommandName = keyof Commands;
export type Command = {
  readonly [N in CommandName]: { readonly name: N; readonly ask: Commands[N]['ask'] };
}[CommandName];
export type Reply<N extends CommandName = CommandName> =
  | { readonly ok: Commands[N]['answer'] }
  | { readonly error: string };
