import { queryToSettings } from '../core/protocol/page-messages.ts';
import type { WorkerOptions } from './options.ts';
import { worker } from './global-scope.ts';

/** The settings that the page wrote into the worker's own address; the mount is where the worker file lies. */
export function settingsOfAddress(): WorkerOptions {
  const { pathname, search, hostname } = worker.location;
  const settings = queryToSettings(search) ?? {
    space: 'default',
    capture: [],
    shell: false,
    notification: { title: hostname, body: 'New updates: {count}' },
  };
  return { ...settings, mount: pathname.slice(0, pathname.lastIndexOf('/')) };
}
