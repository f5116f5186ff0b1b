/** Whether this browser's WebCrypto can make, use and verify Ed25519 keys; where not, `noble-crypto.ts` stands in. */
export async function hasEd25519(): Promise<boolean> {
  try {
    const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    const message = new Uint8Array(1);
    const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, message);
    return await crypto.subtle.verify('Ed25519', pair.publicKey, signature, message);
  } catch {
    // NotSupportedError in engines without it, TypeError in old ones that know no algorithm by a name alone.
    return false;
  }
}
