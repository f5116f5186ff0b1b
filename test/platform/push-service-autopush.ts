import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

import { closeServer, listen, listenOnLastingPort } from './parts/listen.ts';
import { createPushDoor } from './push/push-http.ts';
import { createPushHub } from './push/push-hub.ts';
import type { DeviceLink, PushHub } from './push/push-hub.ts';
import type { PushService } from './push/push-service.ts';

/** A stand-in for Mozilla's push service, as stock Firefox speaks with it. */
export interface AutopushService extends PushService {
  /** For `launchFirefox({ pushUrl })`. */
  readonly pushUrl: string;
}

const SUB_PROTOCOL = 'push-notification';
const PUSH_PATH = /^\/wpush\/v2\/([\w-]+)$/;

/** Returns when it listens. State lives in memory and outlasts `stop()` and `start()`. */
export async function createAutopushService(): Promise<AutopushService> {
  const hub = createPushHub('autopush stand-in');
  const door = createPushDoor(hub, () => [originOf(port)]);
  let port = 0;
  let server: Server | null = null;
  let sockets: WebSocketServer | null = null;

  const start = async (): Promise<void> => {
    const webSockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => (offered.has(SUB_PROTOCOL) ? SUB_PROTOCOL : false),
    });
    const http = createServer((request, response) => {
      const token = PUSH_PATH.exec(request.url ?? '')?.[1];
      door.answer(request, response, token ?? '').catch(() => response.destroy());
    });
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => serveBrowser(webSocket, hub, originOf(port)));
    });
    port = port === 0 ? await listenOnLastingPort(http) : await listen(http, port);
    [server, sockets] = [http, webSockets];
  };
  await start();

  return {
    log: hub.log,
    get origin() {
      return originOf(port);
    },
    get endpointOrigin() {
      return originOf(port);
    },
    get pushUrl() {
      return `ws://127.0.0.1:${port}/`;
    },
    rewrite: (endpoint) => new URL(endpoint),
    start,
    async stop() {
      for (const client of sockets?.clients ?? []) client.terminate();
      if (server !== null) await closeServer(server);
    },
    failNext: door.failNext,
    pause: hub.pause,
    resume: hub.resume,
    dropConnections: hub.dropConnections,
    expire(endpoint) {
      const token = PUSH_PATH.exec(new URL(endpoint).pathname)?.[1];
      hub.unsubscribe((subscription) => subscription.token === token, null);
    },
    forgetDevices: hub.forgetDevices,
    pending: hub.pending,
  };
}

interface ClientMessage {
  readonly messageType?: 'hello' | 'register' | 'unregister' | 'ack' | 'nack' | 'ping' | 'broadcast_subscribe';
  readonly uaid?: string;
  readonly channelID?: string;
  readonly key?: string;
  readonly version?: string;
  readonly code?: number;
  readonly updates?: readonly { readonly version: string; readonly code?: number }[];
}

/** One Firefox's connection: the autopush protocol, JSON text frames. */
function serveBrowser(socket: WebSocket, hub: PushHub, origin: string): void {
  const send = (message: object): void => socket.send(JSON.stringify(message));
  let device: string | null = null;
  const link: DeviceLink = {
    drop: () => socket.terminate(),
    deliver({ version, ttlSec, body, encoding }, { names }) {
      const content = body.length === 0 ? {} : { data: body.toString('base64url'), headers: { encoding } };
      send({ messageType: 'notification', channelID: names['channel'], version, ttl: ttlSec, ...content });
    },
  };
  const hello = (uaid: string | undefined): void => {
    // A device id the service does not know gets a new one, at which Firefox drops its subscriptions.
    device = uaid !== undefined && hub.knows(uaid) ? uaid : randomUUID().replaceAll('-', '');
    send({ messageType: 'hello', status: 200, uaid: device, use_webpush: true, broadcasts: {} });
    hub.connect(device, link);
  };
  const register = (owner: string, channel: string, key: string | undefined): void => {
    const vapidKey = key === undefined ? null : Buffer.from(key, 'base64url').toString('base64url'); // drops the padding
    const endpointOf = (token: string): string => `${origin}/wpush/v2/${token}`;
    const { token } = hub.subscribe({ device: owner, key: vapidKey, names: { channel } }, endpointOf);
    send({ messageType: 'register', channelID: channel, status: 200, pushEndpoint: endpointOf(token) });
  };
  const receive = (message: ClientMessage): void => {
    const { messageType = 'ping', channelID = '', code = null } = message;
    if (messageType === 'ping') send({});
    else if (messageType === 'hello') hello(message.uaid);
    else if (device === null) socket.close();
    else if (messageType === 'register') register(device, channelID, message.key);
    else if (messageType === 'unregister') {
      hub.unsubscribe((subscription) => subscription.names['channel'] === channelID, code);
      send({ messageType: 'unregister', channelID, status: 200 });
    } else if (messageType === 'ack') {
      for (const update of message.updates ?? []) hub.acknowledge(device, update.version, update.code ?? null);
    } else if (messageType === 'nack') {
      hub.log.note('nack', { device, version: message.version ?? '', code });
    }
  };
  socket.on('error', () => {}); // a killed browser; its close follows
  socket.on('message', (data) => receive(JSON.parse((data as Buffer).toString()) as ClientMessage));
  socket.on('close', () => {
    if (device !== null) hub.disconnect(device, link);
  });
}

function originOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
