/** The worker's global scope under the type it has: the libraries of TypeScript only know that of a plain worker. */
export const worker: ServiceWorkerGlobalScope = globalThis as unknown as ServiceWorkerGlobalScope;

/** Events that TypeScript's libraries lack: the Background Sync drafts. */
export interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}
