import { isId, parseJson } from '../../log/body.ts';
import type { Json } from '../../log/body.ts';
import type { Bytes } from '../../log/bytes.ts';
import { utf8 } from '../../log/bytes.ts';
import { KIND } from '../../log/header.ts';
import type { RunEntry } from '../../log/run.ts';
import type { LogName } from '../../log/version-vector.ts';
import { logKey } from '../../log/version-vector.ts';

/** What an authority log says about other logs, as the bodies of kinds 16 and above say it (design §3). */
export type Statement =
  | { readonly kind: 'enrol'; readonly log: LogName; readonly account: string }
  | {
      readonly kind: 'refuse';
      readonly log: LogName;
      readonly sequence: number;
      /** Entry id, base64url. */
      readonly id: string;
      readonly code: string;
      /** For people. */
      readonly reason: string;
    }
  | ForkVerdict;

/** The log has two signed histories, and this is the proof (LOG15): it reaches replicas that saw only one of them. */
export interface ForkVerdict {
  readonly kind: 'forkVerdict';
  readonly log: LogName;
  readonly sequence: number;
  /** Runs without bodies, base64url. */
  readonly held: string;
  readonly other: string;
}

export function statementToDraft(statement: Statement): { readonly kind: number; readonly part: Bytes } {
  const { kind, ...body } = statement;
  return { kind: KIND[kind], part: utf8(JSON.stringify(body)) };
}

/** The statement of an entry of an authority log, or undefined when it is none that this version understands. */
export function readStatement(entry: RunEntry): Statement | undefined {
  if (entry.kind !== KIND.enrol && entry.kind !== KIND.refuse && entry.kind !== KIND.forkVerdict) return undefined;
  const [part] = entry.content.form === 'body' ? entry.content.parts : [];
  const body = part === undefined || 'hash' in part ? undefined : parseJson(part.bytes);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const { log, account, sequence, id, code, reason, held, other } = body as { readonly [name: string]: Json };
  if (typeof log !== 'string' || logKey(log) === undefined) return undefined;
  if (entry.kind === KIND.enrol) return typeof account === 'string' ? { kind: 'enrol', log, account } : undefined;
  // A place that cannot be would stop a store that looks there, and with it every view that follows the authority.
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) return undefined;
  if (entry.kind === KIND.forkVerdict) {
    return typeof held === 'string' && typeof other === 'string' ? { kind: 'forkVerdict', log, sequence, held, other } : undefined;
  }
  if (!isId(id) || typeof code !== 'string' || typeof reason !== 'string') return undefined;
  return { kind: 'refuse', log, sequence, id, code, reason };
}
