#!/usr/bin/env node
// The door of `npx wakelog`. It imports nothing before it knows that this Node can run the server: `node:sqlite` came
// unflagged with 22.13, and a failing import would say less than this sentence.
const NEEDED = [22, 13];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`wakelog needs Node ${NEEDED.join('.')} or newer (this is ${process.version}): its store is node:sqlite.`);
  process.exitCode = 1;
} else {
  await import('../dist/lib/server/cli.js');
}
