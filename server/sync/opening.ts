import { parseJson } from '../../core/log/body.ts';
import { KIND } from '../../core/log/header.ts';
import type { RunEntry } from '../../core/log/run.ts';
import { MAX_NAME_BYTES } from '../../core/protocol/limits.ts';

/** The account that a log's open entry says it is written for: a claim, until an authority enrols the log (SYNC11). */
export function openingAccount(entry: RunEntry | undefined): string | undefined {
  if (entry?.kind !== KIND.open || entry.content.form !== 'body') return undefined;
  const [part] = entry.content.parts;
  const body = part === undefined || 'hash' in part ? undefined : parseJson(part.bytes);
  if (typeof body !== 'object' || body === null || !('account' in body)) return undefined;
  const { account } = body;
  return typeof account === 'string' && account.length > 0 && account.length <= MAX_NAME_BYTES ? account : undefined;
}
