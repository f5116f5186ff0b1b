/** Every bound of the log, with its unit in its name (CAP1). */
export const MAX_BODY_BYTES = 1_048_576;
export const MAX_RUN_ENTRIES = 256;
/** Of a run's weight, hence of its wire form in every shape (LOG4); one entry may be more, since a body may be. */
export const MAX_RUN_BYTES = 49_152;
/** The wire form of a run of one entry with the largest body. */
export const MAX_SINGLE_RUN_BYTES: number = MAX_BODY_BYTES + 256;
export const MAX_KEY_BYTES = 1_024;
export const MAX_WRITES_PER_ENTRY = 1_024;
export const MAX_PARENTS_PER_WRITE = 256;
export const MAX_JSON_DEPTH = 64;
/** A writer never claims a lamport counter further than this above its own last, whatever others claim. */
export const MAX_LAMPORT_JUMP: number = 2 ** 20;
/** Wall clocks are below this, ms: the largest whose difference to any other has a wire form. */
export const MAX_CLOCK_MS: number = 2 ** 52 - 1;
