import type { Socket } from 'node:net';

import type { PushMessage } from './mailbox.ts';
import { bytesField, numberField, readFields, readVarint, textOf, varint } from './protobuf.ts';
import type { Fields } from './protobuf.ts';
import type { DeviceLink, PushHub, Subscription } from './push-hub.ts';

// Google's mobile connection server protocol, version 41: a version byte each way, then frames of tag, varint length, body.
const VERSION = 41;
const TAG = { heartbeatPing: 0, heartbeatAck: 1, loginRequest: 2, loginResponse: 3, iq: 7, data: 8 } as const;
/** Where each kind of frame says which of our frames, counted from 1, its sender has seen. */
const LAST_SEEN_FIELD = new Map<number, number>([
  [TAG.heartbeatPing, 2],
  [TAG.heartbeatAck, 2],
  [TAG.iq, 10],
]);
const LOGIN = { id: 1, user: 3, receivedPersistentIds: 10 } as const;

/** One Chromium's connection. */
export function serveMcs(socket: Socket, hub: PushHub): void {
  let device: string | null = null;
  let framesSent = 0;
  const versionByFrame = new Map<number, string>();

  const send = (tag: number, body: Buffer): void => {
    framesSent++;
    socket.write(Buffer.concat([Buffer.from([tag]), varint(body.length), body]));
  };
  const link: DeviceLink = {
    drop: () => socket.destroy(),
    deliver(message, subscription) {
      send(TAG.data, dataMessage(message, subscription));
      versionByFrame.set(framesSent, message.version);
    },
  };
  const login = (fields: Fields): void => {
    device = textOf(fields, LOGIN.user);
    // What an earlier connection delivered and could not acknowledge is acknowledged here.
    for (const version of fields.get(LOGIN.receivedPersistentIds) ?? []) hub.acknowledge(device, String(version), null);
    socket.write(Buffer.from([VERSION]));
    send(TAG.loginResponse, Buffer.concat([bytesField(1, textOf(fields, LOGIN.id)), numberField(8, Date.now())]));
    hub.connect(device, link);
  };
  const acknowledgeUpTo = (frame: number): void => {
    for (const [sent, version] of versionByFrame) {
      if (sent > frame || device === null) continue;
      versionByFrame.delete(sent);
      hub.acknowledge(device, version, null);
    }
  };
  const receive = (tag: number, body: Buffer): void => {
    const fields = readFields(body);
    if (tag === TAG.loginRequest) login(fields);
    if (tag === TAG.heartbeatPing) send(TAG.heartbeatAck, Buffer.alloc(0));
    const lastSeen = fields.get(LAST_SEEN_FIELD.get(tag) ?? -1)?.[0];
    if (lastSeen !== undefined) acknowledgeUpTo(Number(lastSeen));
  };
  socket.on('error', () => {}); // a killed browser; its close follows
  socket.on('close', () => {
    if (device !== null) hub.disconnect(device, link);
  });
  readFrames(socket, receive);
}

function dataMessage({ version, body, encoding, ttlSec }: PushMessage, { key, names }: Subscription): Buffer {
  const appData = (name: string, value: string): Buffer =>
    bytesField(7, Buffer.concat([bytesField(1, name), bytesField(2, value)]));
  return Buffer.concat([
    bytesField(2, version),
    bytesField(3, key ?? ''),
    bytesField(5, names['app'] ?? ''),
    appData('subtype', names['subtype'] ?? ''),
    ...(body.length === 0 ? [] : [appData('content-encoding', encoding)]),
    bytesField(9, version), // persistent id: Chromium drops a second message with the same one
    numberField(17, ttlSec),
    numberField(18, Date.now()),
    ...(body.length === 0 ? [] : [bytesField(21, body)]),
  ]);
}

function readFrames(socket: Socket, onFrame: (tag: number, body: Buffer) => void): void {
  let buffered = Buffer.alloc(0);
  let sawVersion = false;
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    if (!sawVersion) buffered = buffered.subarray(1);
    sawVersion = true;
    for (;;) {
      const tag = buffered[0];
      const length = readVarint(buffered, 1);
      if (tag === undefined || length === null) return;
      const end = length.end + Number(length.value);
      if (buffered.length < end) return;
      const body = buffered.subarray(length.end, end);
      buffered = buffered.subarray(end);
      onFrame(tag, body);
    }
  });
}
