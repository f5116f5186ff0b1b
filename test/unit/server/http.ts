import { request as httpRequest } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';
import { decodeErrorReply, encodeSyncRequest } from '../../../core/protocol/codec.ts';
import { isErrorCode } from '../../../core/protocol/errors.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { SpaceRequest } from '../../../core/protocol/messages.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The code of the closed table, in whichever form it came; undefined for an answer that is no error. */
  readonly code: string | undefined;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** The body ends here, whatever Content-Length said. */
  readonly cutAt?: number;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
}

/** One request with exactly these headers: no client of the platform's own can lie so well. */
export function send(
  url: string,
  { method = 'GET', headers = {}, body, cutAt, agent }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const length =
      body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest(
      url,
      { method, headers: { ...length, ...headers }, agent: agent ?? false },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const whole = Buffer.concat(pieces);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            code: codeOf(response.headers, whole),
          });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    if (cutAt === undefined) request.end(body);
    else request.write(Buffer.from(body ?? '').subarray(0, cutAt), () => request.destroy());
  });
}

function codeOf(headers: IncomingHttpHeaders, body: Buffer): string | undefined {
  const type = headers['content-type'] ?? '';
  if (type === SYNC_CONTENT_TYPE) {
    const reply = decodeErrorReply(new Uint8Array(body));
    return typeof reply === 'string' ? undefined : reply.error;
  }
  if (!type.startsWith('application/json') || body.length === 0) return undefined;
  const value = JSON.parse(body.toString()) as { readonly error?: unknown };
  return isErrorCode(value.error) ? value.error : undefined;
}

export const CBOR_HEADERS = { 'content-type': SYNC_CONTENT_TYPE };
export const JSON_HEADERS = { 'content-type': 'application/json' };

export function syncBody(part: Partial<SpaceRequest> = {}, account = 'ann', life?: string): Uint8Array<ArrayBuffer> {
  const full: SpaceRequest = { space: 'team', cursor: undefined, vector: undefined, runs: [], ...part };
  return encodeSyncRequest({ account, device: 'device', ...(life && { life }), spaces: [full] });
}
