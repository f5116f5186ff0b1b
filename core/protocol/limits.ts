/** Every bound of the protocol, with its unit in its name (CAP1). */
export const PROTOCOL_VERSION = 1;
export const MAX_FRAME_BYTES = 4_194_304;
/** A sender stops filling a frame here, so that one more run never breaks the bound. */
export const FRAME_TARGET_BYTES = 2_097_152;
export const MAX_SPACES_PER_REQUEST = 16;
export const MAX_RUNS_PER_FRAME = 65_536;
export const MAX_VECTOR_LOGS = 65_536;
export const MAX_NAME_BYTES = 256;
export const SYNC_CONTENT_TYPE = 'application/wakelog+cbor';
