/** Entry point `wakelog/client`: a page's side. */
export { connect } from './connect.ts';
export type { ConnectOptions } from './connect-worker.ts';
export type { Connection } from './connection.ts';
export type { Collection, CollectionItem } from './collection.ts';
export type { Readable } from './readable.ts';
export type { AuthHook, Change } from './engine/page-engine.ts';
export { WakelogRibbon, defineRibbon } from './ribbon/ribbon.ts';
export type { UpdateDetail } from './ribbon/ribbon.ts';
export { PageError } from './page-error.ts';
export type { ErrorCode } from '../core/protocol/errors.ts';
export type { Json } from '../core/log/body.ts';
export type {
  PageAppended,
  PageCollision,
  PageDraft,
  PageItem,
  PageStatus,
  PageVerdict,
  PageWrite,
} from '../core/protocol/page-messages.ts';
