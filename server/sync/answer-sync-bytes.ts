import type { Bytes } from '../../core/log/bytes.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../core/protocol/codec.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { SyncContext } from './answer-sync.ts';
import { answerSync } from './answer-sync.ts';
import type { Session } from './session.ts';

/** Answers the body of `POST {mount}/sync` (SYNC1). Throws the code of a body that is no sync request. */
export async function answerSyncBytes(body: Bytes, session: Session, context: SyncContext): Promise<Bytes> {
  const message = decodeSyncRequest(body);
  if (typeof message === 'string') throw new WakelogError(message);
  return encodeSyncResponse(await answerSync(message, session, context));
}
