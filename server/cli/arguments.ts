import { parseArgs } from 'node:util';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }
  | ServeCommand;

export interface ServeCommand {
  readonly kind: 'serve';
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly mount: string;
  readonly space: string;
  readonly collections: readonly string[];
  readonly hosts: readonly string[];
  readonly pushOrigins: readonly string[];
  readonly vapidSubject: string | undefined;
  readonly staticDir: string | undefined;
  readonly hooksFile: string | undefined;
  readonly maxLiveConnections: number | undefined;
  readonly off: boolean;
  readonly jsonLog: boolean;
}

export const HELP = `usage: wakelog serve [options]

Serves Wakelog: sync, live updates, push and REST collections, kept in one SQLite file.

  --port NUMBER          port to listen on; 0 takes a free one            (8080)
  --host ADDRESS         address to listen on                             (127.0.0.1)
  --data DIR             folder of database, keys and canary files        (./wakelog-data)
  --static DIR           also serve the site's own files from this folder
  --collection PATH      a REST collection, such as /api/tasks; repeatable
  --space NAME           the space of the REST collections                (default)
  --mount PATH           path of Wakelog's own routes                     (/wakelog)
  --hooks FILE           module that exports authorize, and maybe validate and mayWrite
  --allow-host NAME      a name this server answers under, without port; repeatable
  --push-origin ORIGIN   a push service besides the known ones; repeatable
  --vapid-subject URL    mailto: or https: address for operators of push services
  --max-live NUMBER      live connections held at once                    (1000)
  --off                  kill switch: serve a worker that takes itself away and keeps the data
  --json-log             log lines as JSON
  --version              print the version
  --help                 print this

Without --hooks the server is open, so it listens on loopback only. The first signal (Ctrl-C, SIGTERM) ends it in order,
the second at once.`;

const OPTIONS = {
  port: { type: 'string', default: '8080' },
  host: { type: 'string', default: '127.0.0.1' },
  data: { type: 'string', default: './wakelog-data' },
  static: { type: 'string' },
  collection: { type: 'string', multiple: true },
  space: { type: 'string', default: 'default' },
  mount: { type: 'string', default: '/wakelog' },
  hooks: { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  'push-origin': { type: 'string', multiple: true },
  'vapid-subject': { type: 'string' },
  'max-live': { type: 'string' },
  off: { type: 'boolean', default: false },
  'json-log': { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export function parseCommand(args: readonly string[]): Command {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  if (positionals.length === 0) return wrong('what to do? There is one command: serve');
  if (positionals.length > 1 || positionals[0] !== 'serve')
    return wrong(`there is no command "${positionals.join(' ')}"`);
  const port = toCount(values.port);
  if (port === undefined || port > 65_535) return wrong(`--port is a number from 0 to 65535, not "${values.port}"`);
  const maxLive = values['max-live'];
  const maxLiveConnections = maxLive === undefined ? undefined : toCount(maxLive);
  if (maxLive !== undefined && maxLiveConnections === undefined)
    return wrong(`--max-live is a number, not "${maxLive}"`);
  return {
    kind: 'serve',
    port,
    host: values.host,
    dataDir: values.data,
    mount: values.mount,
    space: values.space,
    collections: values.collection ?? [],
    hosts: values['allow-host'] ?? [],
    pushOrigins: values['push-origin'] ?? [],
    vapidSubject: values['vapid-subject'],
    staticDir: values.static,
    hooksFile: values.hooks,
    maxLiveConnections,
    off: values.off,
    jsonLog: values['json-log'],
  };
}

function wrong(message: string): Command {
  return { kind: 'wrong', message };
}

function toCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
