const TAG = /<(?:script|link|img)\b[^>]*>/gi;
const ADDRESS = /\s(?:src|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
const KEPT_LINK = /\srel\s*=\s*["']?[^"'>]*\b(?:stylesheet|icon|manifest|modulepreload|preload)\b/i;

export interface NamedFile {
  readonly url: string;
  /** A picture or a font: the page starts without it. */
  readonly isMedia: boolean;
}

/**
 * The static files of the same site that a document names in its markup: scripts, style sheets, icons, images. What scripts
 * load by themselves is not found; it is kept at the next load, which the worker sees.
 */
export function collectFiles(html: string, documentUrl: string): NamedFile[] {
  const { origin } = new URL(documentUrl);
  const files = new Map<string, NamedFile>();
  for (const [tag] of html.matchAll(TAG)) {
    if (/^<link/i.test(tag) && !KEPT_LINK.test(tag)) continue;
    const found = ADDRESS.exec(tag);
    const address = found?.[1] ?? found?.[2] ?? found?.[3];
    const url = address === undefined ? undefined : toUrl(address.replaceAll('&amp;', '&'), documentUrl);
    if (url?.origin !== origin) continue;
    url.hash = '';
    files.set(url.href, {
      url: url.href,
      isMedia: !/^<script/i.test(tag) && !/\b(?:stylesheet|manifest|modulepreload)\b/i.test(tag),
    });
  }
  return [...files.values()];
}

function toUrl(address: string, base: string): URL | undefined {
  try {
    return new URL(address, base);
  } catch {
    return undefined;
  }
}
