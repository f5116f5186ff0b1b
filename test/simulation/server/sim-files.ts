import type { Files } from '../../../server/spaces/files.ts';
import type { DiskGate } from './disk-gate.ts';

const READ_MS = 2;
const WRITE_MS = 15;
/** A file that is replaced may go unnoticed by its writer: it dies before the call returns. */
const ANSWER_MS = 2;

/** Files of a simulated disk: a write that has resolved is durable, one that has not is there whole or not at all. */
export function createSimFiles(texts: Map<string, string>, gate: DiskGate): Files {
  return {
    readIfAny(path) {
      const failure = gate.call();
      return new Promise((resolve, reject) => {
        gate.later(READ_MS, 'file read', () => {
          if (failure === undefined) resolve(texts.get(path));
          else reject(failure);
        });
      });
    },
    writeAtomically(path, text) {
      const failure = gate.call();
      return new Promise((resolve, reject) => {
        gate.later(WRITE_MS, 'file write', () => {
          if (failure !== undefined) return reject(failure);
          texts.set(path, text);
          gate.later(ANSWER_MS, 'file written', resolve);
        });
      });
    },
  };
}
