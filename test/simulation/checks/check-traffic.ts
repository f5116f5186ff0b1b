import type { LogName } from '../../../core/log/version-vector.ts';
import type { Universe } from '../universe/universe.ts';
import { browserRows } from './rows.ts';

/** What a run of one entry takes more on the way than as part of a row: its frame, the id before it, a signature. */
const FRAME_BYTES = 140;
/** Everything is sent once. What comes may come twice: in an answer, and by the live stream that it overtook. */
const UP_FACTOR = 1.1;
const DOWN_FACTOR = 1.25;
/** What a request and its answer take besides entries. */
const UP_BYTES_A_REQUEST = 256;
const DOWN_BYTES_A_REQUEST = 1_024;

/**
 * Where nothing went wrong, a device sends what it wrote once, and gets what others wrote: bytes sent ≤ c × bytes missing + k for
 * each request (SYNC1).
 */
export function checkTraffic({ world, network, machines, plan }: Universe): void {
  if (plan.faults.length > 0) return;
  for (const machine of machines) {
    const rows = browserRows(machine);
    if (rows === undefined) continue;
    const own = new Map(JSON.parse(rows.values.get('value:acknowledged') ?? '[]') as [LogName, number][]);
    let [written, others] = [0, 0];
    for (const { log, bytes, count } of rows.runs) {
      if (own.has(log)) written += bytes.length + FRAME_BYTES * count;
      else others += bytes.length + FRAME_BYTES * count;
    }
    const { up, down, requests } = network.bytes(machine.name);
    const asked = requests + rows.heads.length;
    if (up > UP_FACTOR * written + UP_BYTES_A_REQUEST * asked) world.fail('SYNC1', `${machine.name} sent ${up} bytes in ${requests} requests, and had ${written} to send`);
    if (down > DOWN_FACTOR * others + DOWN_BYTES_A_REQUEST * asked) world.fail('SYNC1', `${machine.name} got ${down} bytes in ${requests} requests, and lacked ${others}`);
  }
}
