export type { Collision } from '../../core/views/key-value/item.ts';
export type { DeviceCollection, DeviceItem } from './device-collection.ts';
export type { StoreChoice } from './device-store.ts';
export type { NodeDevice, OpenDeviceOptions } from './open-device.ts';
export { openDevice } from './open-device.ts';
