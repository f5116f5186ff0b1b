/** What the site's own script offers a test (worker-site.ts). */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: unknown;
}

declare global {
  interface Window {
    call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
    controlled: Promise<boolean>;
    first: Promise<Answer>;
    errors: string[];
    loads: number;
  }
}
