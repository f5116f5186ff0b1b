import type { ErrorCode } from '../core/protocol/errors.ts';

/** A failure from the closed table (SYNC9), as pages get it. The table itself, texts and all, stays out of the page's budget. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}
