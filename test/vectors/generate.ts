import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bodyVectors, headerVectors, runVectors } from './log-vectors.ts';
import { signatureVectors } from './signature-vectors.ts';

/** The vector files as they have to be, by name. The same on every run: keys and salts come from fixed seeds. */
export async function generateVectors(): Promise<Readonly<Record<string, string>>> {
  return {
    'headers.json': toText(await headerVectors()),
    'bodies.json': toText(await bodyVectors()),
    'runs.json': toText(await runVectors()),
    'signatures.json': toText(await signatureVectors()),
  };
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

// `node test/vectors/generate.ts` writes them. A difference to what is committed means that stored logs no longer verify.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(await generateVectors()))
    writeFileSync(new URL(name, import.meta.url), text);
}
