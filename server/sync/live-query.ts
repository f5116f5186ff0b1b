import { fromBase64Url } from '../../core/log/bytes.ts';
import { asName, NotThisMessage } from '../../core/protocol/cbor.ts';
import { decodeCursor } from '../../core/protocol/codec.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { Cursor } from '../../core/protocol/messages.ts';
import type { LiveParty } from './live-connections.ts';
import type { Session } from './session.ts';

export interface LiveQuery {
  readonly party: LiveParty;
  readonly cursor: Cursor;
}

/** What `?space&account&device&life&cursor` asks for. Throws `malformed`. */
export function readLiveQuery(query: URLSearchParams): LiveQuery {
  const bytes = fromBase64Url(query.get('cursor') ?? '');
  const cursor = bytes === undefined ? 'malformed' : decodeCursor(bytes);
  if (typeof cursor === 'string') throw new WakelogError(cursor);
  try {
    const [space, account, device] = ['space', 'account', 'device'].map((name) => asName(query.get(name))) as [
      string,
      string,
      string,
    ];
    const life = query.has('life') ? asName(query.get('life')) : undefined;
    return { party: { space, account, device, life }, cursor };
  } catch (error) {
    if (error instanceof NotThisMessage) throw new WakelogError('malformed');
    throw error;
  }
}

/** Throws unless the session is the party's own and may read its space. */
export async function checkIsReader(session: Session, { account, space }: LiveParty): Promise<void> {
  if (session.account !== undefined && session.account !== account) throw new WakelogError('account-mismatch');
  if (!(await session.read(space))) throw new WakelogError('forbidden');
}
