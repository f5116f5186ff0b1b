import type { ConnectOptions } from './connect-worker.ts';

/**
 * What a script tag's `data-*` attributes ask for (PAGE9). `src` says where the server's routes are: beside the script
 * itself, unless `data-mount` says otherwise.
 */
export function readTag(data: Readonly<Record<string, string | undefined>>, src: string): ConnectOptions {
  const title = data['notificationTitle'];
  const body = data['notificationBody'];
  return {
    account: data['account'] ?? 'anonymous',
    space: data['space'] ?? 'default',
    updates: data['updates'] === 'live' ? 'live' : 'hold',
    mount: (data['mount'] ?? new URL('.', src).pathname).replace(/\/$/, ''),
    capture: (data['capture'] ?? '')
      .split(',')
      .map((path) => path.trim().replace(/\/$/, ''))
      .filter((path) => path !== ''),
    // Present without a value is the usual way to say yes in HTML.
    shell: data['shell'] !== undefined && data['shell'] !== 'off',
    notification: { ...(title === undefined ? {} : { title }), ...(body === undefined ? {} : { body }) },
  };
}
