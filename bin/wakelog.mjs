#!/usr/bin/env node
// The door of `npx wakelog`. It imports nothing before it knows that this Node can run the server: `node:sqlite` came
// unflagged with 22.13, and a failing import would say less than this sentence.
const NEEDED = { major: 22, minor: 13 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor)) {
  const needed = `${NEEDED.major}.${NEEDED.minor}`;
  console.error(`wakelog needs Node ${needed} or newer (this is ${process.version}): its store is node:sqlite.`);
  process.exitCode = 1;
} else {
  await import(new URL('../dist/lib/server/cli.js', import.meta.url).href);
}
