/** Every bound of the log, with its unit in its name (CAP1). */
export const MAX_BODY_BYTES = 1_048_576;
export const MAX_RUN_ENTRIES = 256;
/** Of the wire form; a run of one entry may be larger, since a body may be. */
export const MAX_RUN_BYTES = 49_152;
/** A run of one entry: a body of the largest size as 1,024 parts of 16 bytes of salt and a length each, and the frame around it. */
export const MAX_SINGLE_RUN_BYTES: number = MAX_BODY_BYTES + 32_768;
export const MAX_KEY_BYTES = 1_024;
export const MAX_WRITES_PER_ENTRY = 1_024;
export const MAX_PARENTS_PER_WRITE = 256;
export const MAX_JSON_DEPTH = 64;
export const MAX_SPACE_BYTES = 256;
/** A writer never claims a lamport counter further than this above its own last, whatever others claim. */
export const MAX_LAMPORT_JUMP: number = 2 ** 20;
