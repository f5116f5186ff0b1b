import webPush from 'web-push';
import { fromBase64Url } from '../../core/log/bytes.ts';
import { readFileIfAny, writeFileAtomically } from '../spaces/atomic-file.ts';

/** The server's identity towards push services, both base64url. A new one would end every subscription. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The keys in a file (mode 0600), made on first start and kept (PUSH3). A file that holds none stops the server. */
export async function loadVapidKeys(path: string): Promise<VapidKeys> {
  const text = await readFileIfAny(path);
  if (text === undefined) {
    const keys = webPush.generateVAPIDKeys();
    await writeFileAtomically(path, JSON.stringify(keys));
    return keys;
  }
  const { publicKey, privateKey } = JSON.parse(text) as Partial<VapidKeys>;
  if (typeof publicKey !== 'string' || typeof privateKey !== 'string') throw new Error(`${path} holds no VAPID keys`);
  const isWhole = fromBase64Url(publicKey)?.length === 65 && fromBase64Url(privateKey)?.length === 32;
  if (!isWhole) throw new Error(`${path} holds no VAPID keys`);
  return { publicKey, privateKey };
}
