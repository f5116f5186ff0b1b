import { Writable } from 'node:stream';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const KNOWN: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);

/** Turns pino's JSON lines into lines that a person reads. */
export function createReadableLines(write: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n')) if (line !== '') write(`${toReadable(line)}\n`);
      done();
    },
  });
}

function toReadable(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown> & { readonly err?: { readonly message?: string } };
  const time = new Date(Number(record['time'])).toTimeString().slice(0, 8);
  const fields = Object.entries(record)
    .filter(([name]) => !KNOWN.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const cause = record.err?.message === undefined ? '' : `: ${record.err.message}`;
  return `${time} ${LEVELS[Number(record['level'])] ?? ''} ${String(record['msg'])}${cause}${fields.join('')}`;
}
