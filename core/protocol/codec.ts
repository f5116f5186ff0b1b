import type { Bytes } from '../log/bytes.ts';
import type { VersionVector } from '../log/version-vector.ts';
import { logKey, logName } from '../log/version-vector.ts';
import type { Fields } from './cbor.ts';
import { asBoolean, asBytes, asCount, asFields, asList, asName, asText, fromCbor, NotThisMessage, onlyFields, toCbor } from './cbor.ts';
import { isErrorCode } from './errors.ts';
import { MAX_FRAME_BYTES, MAX_RUNS_PER_FRAME, MAX_SPACES_PER_REQUEST, MAX_VECTOR_LOGS, PROTOCOL_VERSION } from './limits.ts';
import type { Cursor, ErrorReply, RefusedRun, SpaceRequest, SpaceResponse, SyncRequest, SyncResponse } from './messages.ts';

/** Why bytes are not a message. */
export type MessageFault = 'malformed' | 'too-large' | 'unsupported-protocol';

/** The message itself, its spaces and their cursors, and some. A response has one more for each refused run. */
const MOST_MAPS = 64;

const REFUSALS: ReadonlySet<string> = new Set([
  'malformed',
  'bad-signature',
  'too-large',
  'unsupported-format',
  'unenrolled',
  'forbidden',
  'fork',
  'gap',
  'storage-full',
]);

export function encodeSyncRequest(request: SyncRequest): Bytes {
  const spaces = request.spaces.map(({ space, cursor, vector, runs }) => ({
    space,
    ...(cursor === undefined ? {} : { cursor: { ...cursor } }),
    ...(vector === undefined ? {} : { vector: vectorToPairs(vector) }),
    runs,
  }));
  return toCbor({ v: PROTOCOL_VERSION, account: request.account, device: request.device, ...(request.life === undefined ? {} : { life: request.life }), spaces });
}

export function decodeSyncRequest(bytes: Bytes): SyncRequest | MessageFault {
  return decodeMessage(bytes, (fields) => {
    onlyFields(fields, ['v', 'account', 'device', 'life', 'spaces']);
    return {
      account: asName(fields.get('account')),
      device: asName(fields.get('device')),
      ...(fields.has('life') ? { life: asName(fields.get('life')) } : {}),
      spaces: asList(fields.get('spaces'), MAX_SPACES_PER_REQUEST).map((value) => readSpaceRequest(asFields(value))),
    };
  });
}

function readSpaceRequest(fields: Fields): SpaceRequest {
  onlyFields(fields, ['space', 'cursor', 'vector', 'runs']);
  return {
    space: asName(fields.get('space')),
    cursor: fields.has('cursor') ? readCursor(asFields(fields.get('cursor'))) : undefined,
    vector: fields.has('vector') ? readVector(fields.get('vector')) : undefined,
    runs: readRuns(fields.get('runs')),
  };
}

export function encodeSyncResponse(response: SyncResponse): Bytes {
  return toCbor({ v: PROTOCOL_VERSION, time: response.time, spaces: response.spaces.map(spaceResponseToFields) });
}

export function decodeSyncResponse(bytes: Bytes): SyncResponse | MessageFault {
  return decodeMessage(bytes, (fields) => {
    onlyFields(fields, ['v', 'time', 'spaces']);
    return {
      time: asCount(fields.get('time')),
      spaces: asList(fields.get('spaces'), MAX_SPACES_PER_REQUEST).map((value) => readSpaceResponse(asFields(value))),
    };
  }, MOST_MAPS + MAX_RUNS_PER_FRAME);
}

function spaceResponseToFields(response: SpaceResponse): object {
  return {
    space: response.space,
    ...(response.error === undefined ? {} : { error: response.error }),
    cursor: { ...response.cursor },
    authorities: response.authorities.map(requiredKey),
    acknowledged: vectorToPairs(response.acknowledged),
    compareVectors: response.compareVectors,
    refused: response.refused.map(({ log, ...rest }) => ({ log: requiredKey(log), ...rest })),
    runs: response.runs,
    level: response.level,
  };
}

function readSpaceResponse(fields: Fields): SpaceResponse {
  onlyFields(fields, ['space', 'error', 'cursor', 'authorities', 'acknowledged', 'compareVectors', 'refused', 'runs', 'level']);
  const error = fields.get('error');
  if (error !== undefined && !isErrorCode(error)) throw new NotThisMessage('an error code is expected');
  return {
    space: asName(fields.get('space')),
    ...(error === undefined ? {} : { error }),
    cursor: readCursor(asFields(fields.get('cursor'))),
    authorities: asList(fields.get('authorities'), MAX_VECTOR_LOGS).map((key) => logName(asBytes(key, 32))),
    acknowledged: readVector(fields.get('acknowledged')),
    compareVectors: asBoolean(fields.get('compareVectors')),
    refused: asList(fields.get('refused'), MAX_RUNS_PER_FRAME).map((value) => readRefusedRun(asFields(value))),
    runs: readRuns(fields.get('runs')),
    level: asBoolean(fields.get('level')),
  };
}

function readRefusedRun(fields: Fields): RefusedRun {
  onlyFields(fields, ['log', 'first', 'code', 'expected']);
  const code = asText(fields.get('code'));
  if (!REFUSALS.has(code)) throw new NotThisMessage('a refusal code is expected');
  return {
    log: logName(asBytes(fields.get('log'), 32)),
    first: asCount(fields.get('first')),
    code: code as RefusedRun['code'],
    ...(fields.has('expected') ? { expected: asCount(fields.get('expected')) } : {}),
  };
}

export function encodeErrorReply(reply: ErrorReply): Bytes {
  return toCbor({ v: PROTOCOL_VERSION, ...reply });
}

export function decodeErrorReply(bytes: Bytes): ErrorReply | MessageFault {
  return decodeMessage(bytes, (fields) => {
    onlyFields(fields, ['v', 'error', 'message', 'retryAfterMs']);
    const error = fields.get('error');
    if (!isErrorCode(error)) throw new NotThisMessage('an error code is expected');
    const retryAfterMs = fields.has('retryAfterMs') ? { retryAfterMs: asCount(fields.get('retryAfterMs')) } : {};
    return { error, message: asText(fields.get('message')), ...retryAfterMs };
  });
}

/** A cursor as it stands in a URL (`GET {mount}/live`). */
export function encodeCursor(cursor: Cursor): Bytes {
  return toCbor({ v: PROTOCOL_VERSION, ...cursor });
}

export function decodeCursor(bytes: Bytes): Cursor | MessageFault {
  return decodeMessage(bytes, (fields) => {
    const { v: _, ...rest } = Object.fromEntries(fields as ReadonlyMap<string, unknown>);
    return readCursor(new Map(Object.entries(rest)));
  });
}

function readCursor(fields: Fields): Cursor {
  onlyFields(fields, ['epoch', 'position', 'check']);
  return {
    epoch: asName(fields.get('epoch')),
    position: asCount(fields.get('position')),
    check: asBytes(fields.get('check'), 8),
  };
}

function readRuns(value: unknown): Bytes[] {
  return asList(value, MAX_RUNS_PER_FRAME).map((run) => asBytes(run));
}

function vectorToPairs(vector: VersionVector): [Bytes, number][] {
  return [...vector].map(([log, sequence]) => [requiredKey(log), sequence]);
}

function readVector(value: unknown): VersionVector {
  const vector = new Map<string, number>();
  for (const item of asList(value, MAX_VECTOR_LOGS)) {
    const [log, sequence, ...rest] = asList(item, 2);
    const name = logName(asBytes(log, 32));
    if (rest.length > 0 || vector.has(name)) throw new NotThisMessage('one sequence for each log is expected');
    vector.set(name, asCount(sequence));
  }
  return vector;
}

function requiredKey(log: string): Bytes {
  const key = logKey(log);
  if (key === undefined) throw new Error('a log name is the base64url of 32 bytes');
  return key;
}

function decodeMessage<T>(bytes: Bytes, read: (fields: Fields) => T, mostMaps: number = MOST_MAPS): T | MessageFault {
  if (bytes.length > MAX_FRAME_BYTES) return 'too-large';
  try {
    const fields = fromCbor(bytes, mostMaps);
    const version = asCount(fields.get('v'));
    return version === PROTOCOL_VERSION ? read(fields) : 'unsupported-protocol';
  } catch (error) {
    if (error instanceof NotThisMessage) return 'malformed';
    throw error;
  }
}
