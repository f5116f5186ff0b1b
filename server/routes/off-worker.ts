/**
 * Served as the worker after `--off`. It takes over at once, which ends whatever the old worker still served, and then
 * unregisters: open pages talk to the network from then on. IndexedDB is left as it is, unsent entries included.
 */
export const OFF_WORKER = `'use strict';
self.addEventListener('install', (event) => {
  event.waitUntil(self.skipWaiting());
});
self.addEventListener('activate', (event) => {
  event.waitUntil(self.registration.unregister());
});
`;
