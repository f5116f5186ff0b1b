export type { DeviceCollection, DeviceItem } from './device-collection.ts';
export type { NodeDevice, OpenDeviceOptions } from './open-device.ts';
export { openDevice } from './open-device.ts';
