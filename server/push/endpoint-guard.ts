import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The push services of the browsers there are. A pattern with `*.` stands for every name below. */
export const KNOWN_PUSH_ORIGINS: readonly string[] = [
  'https://fcm.googleapis.com',
  'https://jmt17.google.com',
  'https://*.push.services.mozilla.com',
  'https://*.notify.windows.com',
  'https://*.push.apple.com',
];

/** Where this server may send pushes to: whoever subscribes could otherwise make it knock at any door (PUSH2). */
export interface EndpointGuard {
  readonly isAllowed: (endpoint: string) => boolean;
  /** Whether the operator listed exactly this origin: then private addresses and plain http are their own choice. */
  readonly isListed: (endpoint: string) => boolean;
}

/** `origins`: added to the known ones, exact, such as `https://push.example.org` or `http://127.0.0.1:8091`. */
export function createEndpointGuard(origins: readonly string[]): EndpointGuard {
  const listed = new Set(origins.map((origin) => new URL(origin).origin));

  function isListed(endpoint: string): boolean {
    const url = toUrl(endpoint);
    return url !== undefined && listed.has(url.origin);
  }

  function isAllowed(endpoint: string): boolean {
    const url = toUrl(endpoint);
    if (url === undefined || url.username !== '' || url.password !== '') return false;
    if (listed.has(url.origin)) return true;
    return (
      url.protocol === 'https:' &&
      url.port === '' &&
      KNOWN_PUSH_ORIGINS.some((pattern) => matches(pattern, url.hostname))
    );
  }

  return { isAllowed, isListed };
}

function matches(pattern: string, hostname: string): boolean {
  const name = pattern.slice('https://'.length);
  return name.startsWith('*.') ? hostname.endsWith(name.slice(1)) : hostname === name;
}

function toUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url : undefined;
}

/** An address of the open internet. Everything else (private, loopback, link-local, carrier, reserved) is nobody's push service. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/** DNS for sockets, refusing names that lead to a private address; asked at connect time, so nothing can change in between. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses: readonly LookupAddress[] = error === null ? found : [];
    const [first] = addresses;
    if (error !== null || first === undefined) {
      callback(error ?? new Error(`${hostname} has no address`), '', 0);
    } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new Error(`${hostname} leads to a private address`), '', 0);
    } else if (options.all === true) {
      callback(null, [...addresses]);
    } else {
      callback(null, first.address, first.family);
    }
  });
};
