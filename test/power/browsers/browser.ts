export type BrowserName = 'chromium' | 'firefox';

export interface BrowserOptions {
  /** The same folder again is a relaunch of the same browser. */
  readonly profile: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes that a site may take. Of Firefox's only: it has to know when it starts. */
  readonly roomBytes?: number;
}

/** A browser as these tests need it: started, told to open a page, and then maltreated. */
export interface PowerBrowser {
  readonly name: BrowserName;
  readonly pid: number;
  readonly open: (url: string) => Promise<void>;
  /** Every service worker, in mid-event too. Returns when the browser was told. */
  readonly stopWorkers: () => Promise<void>;
  /**
   * `everything`: what a person does in the settings, the worker included. `databases`: all that the site put into
   * IndexedDB. Returns when it is gone.
   */
  readonly clearSite: (origin: string, what: 'everything' | 'databases') => Promise<void>;
  /** Takes back `roomBytes`, where that can be done while the browser runs; else deleting something makes room. */
  readonly liftRoom: (origin: string) => Promise<void>;
  /** A clean quit: lazily written files are flushed. */
  readonly close: () => Promise<void>;
  /** SIGKILL to the browser and all its processes. */
  readonly kill: () => Promise<void>;
}
