import type { ConnectOptions } from './connect-worker.ts';
import { connectWorker } from './connect-worker.ts';
import type { Connection } from './connection.ts';
import { defineRibbon } from './ribbon/ribbon.ts';
import { readTag } from './tag-options.ts';

declare global {
  interface Window {
    /** The connection that the script tag made; undefined where no worker can be and the site works as without the tag. */
    wakelog: Promise<Connection | undefined>;
  }
}

/*
 * The whole set-up of a site that adds one script tag. Reads nothing but the tag's own attributes. Every change of the
 * shown state is told to the document as `wakelog-change`, accepted updates as the cancelable `wakelog-update`.
 */
const tag = document.currentScript;
if (tag instanceof HTMLScriptElement) start(readTag(tag.dataset, tag.src), tag.dataset['ribbon'] !== 'off');

function start(options: ConnectOptions, withRibbon: boolean): void {
  window.wakelog = connectWorker(options);
  void window.wakelog.then((connection) => {
    if (connection === undefined) return;
    connection.follow((detail) => document.dispatchEvent(new CustomEvent('wakelog-change', { detail })));
    if (withRibbon) whenParsed(() => addRibbon(connection));
  });
}

function addRibbon(connection: Connection): void {
  defineRibbon();
  // One that the page wrote itself, with its own texts, wins.
  const ribbon =
    document.querySelector('wakelog-ribbon') ?? document.body.appendChild(document.createElement('wakelog-ribbon'));
  Object.assign(ribbon, { connection });
}

function whenParsed(task: () => void): void {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', task);
  else task();
}
