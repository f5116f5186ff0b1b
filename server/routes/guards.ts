import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { WakelogError } from '../../core/protocol/errors.ts';

/** Names under which a machine reaches itself. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface Guards {
  /** Throws `unknown-host` unless the Host header is on the list: other names mean DNS rebinding (CAP4). */
  readonly checkHost: (request: IncomingMessage) => void;
  /** Throws `cross-site` for a request that another site's page makes (CAP4). */
  readonly checkSite: (request: IncomingMessage) => void;
}

/** `hosts`: names without port; a name that starts with a dot stands for all below it. Loopback names are always taken. */
export function createGuards(hosts: readonly string[]): Guards {
  const names = hosts.map((host) => host.toLowerCase());

  function isOurs(name: string): boolean {
    if (isLoopbackName(name)) return true;
    return names.some((host) =>
      host.startsWith('.') ? name.endsWith(host) && name.length > host.length : name === host,
    );
  }

  function checkHost({ headers }: IncomingMessage): void {
    const name = hostName(headers.host);
    if (name === undefined || !isOurs(name)) {
      throw new WakelogError(
        'unknown-host',
        'this server does not answer under that name; its operator lists its names in `hosts`',
      );
    }
  }

  function checkSite({ headers }: IncomingMessage): void {
    const site = headers['sec-fetch-site'];
    // Browsers say where a request comes from, and pages cannot lie about it; whoever says nothing is no browser, or an old
    // one, which names the origin at least.
    const { origin, host } = headers;
    const isOwn =
      site === undefined
        ? origin === undefined || hostOfOrigin(origin) === host?.toLowerCase()
        : site === 'same-origin' || site === 'none';
    if (!isOwn) throw new WakelogError('cross-site');
  }

  return { checkHost, checkSite };
}

export function isLoopbackName(name: string): boolean {
  return LOOPBACK_NAMES.has(name) || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** Whether a request comes straight from this machine: not through a proxy, which would make the whole world look local. */
export function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const isForwarded =
    headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined || headers.via !== undefined;
  return !isForwarded && socket.remoteAddress !== undefined && isLoopbackAddress(socket.remoteAddress);
}

export function isLoopbackAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

function hostName(host: string | undefined): string | undefined {
  return host === undefined ? undefined : /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

function hostOfOrigin(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
