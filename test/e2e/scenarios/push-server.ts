/*
 * The site of scenarios 3 and 4, to be run as a process that can be killed: Wakelog's express middleware, a page that works
 * by fetch alone, and a line of JSON for each request of a device when it begins and when it has ended.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';

import { KIND } from '../../../core/log/header.ts';
import { decodeRun } from '../../../core/log/run-codec.ts';
import { logName } from '../../../core/log/version-vector.ts';
import { decodeSyncResponse } from '../../../core/protocol/codec.ts';
import { wakelog } from '../../../server/index.ts';
import type { RequestLine } from './push-world.ts';

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tasks</title>
<script src="/wakelog/wakelog.js" data-account="ann" data-space="tasks" data-capture="/api/tasks" data-shell
  data-notification-title="Tasks" data-notification-body="{count} changed"></script>
<ul id="tasks"></ul>
<script>
  const list = document.querySelector('#tasks');
  async function show() {
    const tasks = await (await fetch('/api/tasks')).json();
    list.replaceChildren(...tasks.map(({ title }) => Object.assign(document.createElement('li'), { textContent: title })));
  }
  document.addEventListener('wakelog-change', show);
  show();
  window.controlled = navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null ||
    new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true })));
  // The page's own fetch, one POST for each title, spread evenly over so many ms.
  window.write = async (titles, overMs) => {
    const [begin, statuses] = [performance.now(), []];
    for (const [index, title] of titles.entries()) {
      const due = begin + (overMs * index) / Math.max(titles.length - 1, 1);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      const headers = { 'content-type': 'application/json' };
      statuses.push((await fetch('/api/tasks', { method: 'POST', headers, body: JSON.stringify({ title }) })).status);
    }
    return { statuses, tookMs: performance.now() - begin };
  };
</script>`;

/** For a look at what the worker showed: it has no script tag, so to the worker it is nobody's tab. */
const PROBE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>probe</title>';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    /** Origin of the endpoints that browsers get. */
    'push-origin': { type: 'string', default: '' },
    /** Where the push service that stands in for it listens. */
    'push-at': { type: 'string', default: '' },
  },
});

const handler = await wakelog({
  dataDir: values.data,
  collections: ['/api/tasks'],
  space: 'tasks',
  pushOrigins: [values['push-origin']],
  rewritePushEndpoint: (endpoint) => values['push-at'] + new URL(endpoint).pathname,
});
const app = express();
app.use('/wakelog', tellOf);
app.use(handler);
app.get('/', (_request, response) => void response.type('html').send(PAGE));
app.get('/probe', (_request, response) => void response.type('html').send(PROBE));
const server = createServer(app);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ ready: `http://127.0.0.1:${port}` }));
});

function tellOf(request: Request, response: Response, next: NextFunction): void {
  const about = { request: `${request.method} ${request.path}`, host: request.headers.host ?? '' };
  tell({ seen: 'began', ...about, given: [] });
  let given: readonly string[] = [];
  if (request.path === '/sync') {
    const end = response.end.bind(response) as (...args: unknown[]) => Response;
    response.end = ((body?: unknown, ...rest: unknown[]) => {
      if (body instanceof Uint8Array && response.statusCode === 200) given = entriesIn(body);
      return end(body, ...rest);
    }) as typeof response.end;
  }
  response.on('close', () => tell({ seen: 'ended', ...about, given: response.writableFinished ? given : [] }));
  next();
}

/** The data entries in an answer to a sync request, each as `log/sequence`. */
function entriesIn(body: Uint8Array): string[] {
  const answer = decodeSyncResponse(new Uint8Array(body));
  if (typeof answer === 'string') throw new Error(`the server's own answer is ${answer}`);
  return answer.spaces.flatMap(({ runs }) =>
    runs.flatMap((bytes) => {
      const run = decodeRun(bytes);
      if (typeof run === 'string') throw new Error(`the server's own run is ${run}`);
      return run.entries.flatMap(({ kind }, index) =>
        kind === KIND.data ? `${logName(run.log)}/${run.first + index}` : [],
      );
    }),
  );
}

function tell(line: RequestLine): void {
  console.log(JSON.stringify(line));
}
