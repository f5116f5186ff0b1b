import { Agent } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface PlainHttpsAgentOptions {
  /** Origins to dial elsewhere, e.g. `{ 'https://jmt17.google.com': 'http://127.0.0.1:1234' }`. */
  readonly redirect?: Readonly<Record<string, string>>;
}

/**
 * An https.Agent that speaks plain HTTP. web-push always uses `https.request`; with this agent it reaches a push service
 * stand-in on loopback without TLS, or instead of the real service when its origin is redirected.
 */
export class PlainHttpsAgent extends Agent {
  readonly #redirect: Readonly<Record<string, string>>;

  constructor({ redirect = {} }: PlainHttpsAgentOptions = {}) {
    super();
    this.#redirect = redirect;
  }

  override createConnection(options: {
    host?: string | null;
    hostname?: string | null;
    port?: string | number | null;
  }): Socket {
    const host = options.hostname ?? options.host ?? 'localhost';
    const port = Number(options.port ?? 443);
    const elsewhere = this.#redirect[`https://${host}${port === 443 ? '' : `:${port}`}`];
    if (elsewhere === undefined) return connect({ host, port });
    const { hostname, port: redirectedPort } = new URL(elsewhere);
    return connect({ host: hostname, port: Number(redirectedPort) });
  }
}
