import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';

import { closeServer, listen, listenOnLastingPort } from './parts/listen.ts';
import { serveMcs } from './push/mcs.ts';
import { bytesField, fixed64Field, numberField } from './push/protobuf.ts';
import { createPushDoor, readBody } from './push/push-http.ts';
import { createPushHub } from './push/push-hub.ts';
import type { PushHub } from './push/push-hub.ts';
import type { PushService } from './push/push-service.ts';
import { selfSigned } from './push/self-signed.ts';

/** A stand-in for Google's push service (check-in, registration, MCS over TLS), as stock Chromium speaks with it. */
export interface GcmService extends PushService {
  /** Switches for `launchChromium` and `playwrightChromium`, at every launch of the profile. */
  readonly args: readonly string[];
}

const PUSH_PATH = /^\/fcm\/send\/([\w-]+)$/;
/** Built into Chromium: endpoints stand at this origin whatever the registration answered. */
const ENDPOINT_ORIGIN = 'https://jmt17.google.com';

/** Returns when it listens. State lives in memory and outlasts `stop()` and `start()`. */
export async function createGcmService(): Promise<GcmService> {
  const hub = createPushHub('gcm stand-in');
  const door = createPushDoor(hub, () => [ENDPOINT_ORIGIN, originOf(webPort)]);
  const { keyPem, certificatePem, spkiHash } = selfSigned('localhost');
  let [webPort, mcsPort] = [0, 0];
  let servers: readonly [Server, TlsServer] | null = null;
  let lastDevice = 1000n;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', ENDPOINT_ORIGIN);
    if (pathname === '/checkin') response.end(checkinAnswer(++lastDevice));
    else if (pathname === '/register')
      response.end(register(new URLSearchParams(String(await readBody(request))), hub));
    else await door.answer(request, response, PUSH_PATH.exec(pathname)?.[1] ?? '');
  };
  const start = async (): Promise<void> => {
    const web = createServer((request, response) => {
      answer(request, response).catch(() => response.destroy());
    });
    const mcs = createTlsServer({ key: keyPem, cert: certificatePem }, (socket) => serveMcs(socket, hub));
    webPort = webPort === 0 ? await listenOnLastingPort(web) : await listen(web, webPort);
    mcsPort = mcsPort === 0 ? await listenOnLastingPort(mcs) : await listen(mcs, mcsPort);
    servers = [web, mcs];
  };
  await start();

  return {
    log: hub.log,
    get origin() {
      return originOf(webPort);
    },
    endpointOrigin: ENDPOINT_ORIGIN,
    get args() {
      return [
        `--gcm-checkin-url=${originOf(webPort)}/checkin`,
        `--gcm-registration-url=${originOf(webPort)}/register`,
        `--gcm-mcs-endpoint=https://localhost:${mcsPort}`,
        `--ignore-certificate-errors-spki-list=${spkiHash}`,
      ];
    },
    rewrite: (endpoint) => new URL(new URL(endpoint).pathname, originOf(webPort)),
    start,
    async stop() {
      hub.dropConnections();
      for (const server of servers ?? []) await closeServer(server);
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

/** AndroidCheckinResponse: ok, time, android id, security token, version. */
function checkinAnswer(device: bigint): Buffer {
  return Buffer.concat([
    numberField(1, 1),
    numberField(3, Date.now()),
    fixed64Field(7, device),
    fixed64Field(8, device * 7n),
    bytesField(11, 'v'),
  ]);
}

/** Registers or, with `delete`, unregisters an app; `X-subtype` tells the browser's subscriptions apart. */
function register(form: URLSearchParams, hub: PushHub): string {
  const field = (name: string): string => form.get(name) ?? '';
  const [device, subtype, app] = [field('device'), field('X-subtype'), field('app')];
  if (form.has('delete')) {
    hub.unsubscribe((each) => each.device === device && each.names['subtype'] === subtype, null);
    return `deleted=${app}`;
  }
  const wanted = { device, key: field('sender'), names: { subtype, app } };
  return `token=${hub.subscribe(wanted, (token) => `${ENDPOINT_ORIGIN}/fcm/send/${token}`).token}`;
}

function originOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
