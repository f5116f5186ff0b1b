import { expect, test } from 'vitest';
import { collectFiles } from '../../../sw/capture/shell-files.ts';

test('CAP32 the files that a document names: scripts, style sheets, manifest, pictures of its own site, each once', () => {
  const html = `<!doctype html><link rel="stylesheet" href="style.css"><LINK REL=icon HREF=/icon.svg>
    <link href='/site.webmanifest?v=1&amp;w=2' rel='manifest'><link rel="alternate" href="/feed.xml"><link rel=canonical href="/x">
    <script defer src="/wakelog/wakelog.js" data-space="a"></script><script type="module"
      src="../app.js#top"></script><script>let src = 'none';</script>
    <img alt="" src="data:image/gif;base64,AAAA"><img src="//other.example/a.png"><img src="a.png"><img src="a.png">
    <script src="https://other.example/b.js"></script><script src="http://[bad"></script><a href="/page">page</a>`;
  expect(collectFiles(html, 'https://site.example/lists/today')).toEqual([
    { url: 'https://site.example/lists/style.css', isMedia: false },
    { url: 'https://site.example/icon.svg', isMedia: true },
    { url: 'https://site.example/site.webmanifest?v=1&w=2', isMedia: false },
    { url: 'https://site.example/wakelog/wakelog.js', isMedia: false },
    { url: 'https://site.example/app.js', isMedia: false },
    { url: 'https://site.example/lists/a.png', isMedia: true },
  ]);
});
