import type { SubjectPublicKeyInfo } from './public-key.ts';

/** Which keys a profile takes. `ec` lists curve names as in `SubjectPublicKeyInfo.curve`. */
export interface KeyPolicy {
  readonly rsa: { readonly minBits: number; readonly maxBits: number } | false;
  readonly ec: readonly string[];
  readonly ed25519: boolean;
}

/**
 * Refuses a key that the policy excludes (`X509Error` key-type-unsupported) or that is weak (key-weak with the reason).
 * Call it before the CSR's signature is checked: it bounds what that check can cost.
 */
export function checkPublicKey(spki: SubjectPublicKeyInfo, policy: KeyPolicy, field = 'csr.publicKey'): void {
  throw new Error(`${spki} ${policy} ${field}`);
}
