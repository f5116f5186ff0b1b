/** One request as a simulated server sees it. */
export interface SimRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * One answer. A streamed body is a function that writes until its promise resolves; a rejection is a connection that breaks.
 * It is called once, also when nobody reads any more; `stopped` resolves when its reader is gone.
 */
export interface SimResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | ((sink: SimSink, stopped: Promise<void>) => Promise<void>);
}

/** The network's end of a streamed body. */
export interface SimSink {
  /** False when the reader should be waited for: `drained`. The piece is taken all the same. */
  readonly write: (piece: Uint8Array) => boolean;
  /** Resolves when the reader has read on, or is gone. */
  readonly drained: () => Promise<void>;
  /** Whether something that was written has not been read yet. */
  readonly isStalled: () => boolean;
}

/** A program that answers requests. Rejects when it is not there or dies over one: the connection breaks. */
export type SimHandler = (request: SimRequest) => Promise<SimResponse>;
