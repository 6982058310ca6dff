import { createHash } from 'node:crypto';
import { type Applied, encodeSecretData, type Secret } from '../kubernetes/client.ts';
import { copyLabels } from './copy-metadata.ts';
import type { TrustMaterial } from './trust-material.ts';

/** What Kubernetes allows for the sum of a Secret's raw values (core/v1 MaxSecretSize). */
export const secretLimitBytes = 1024 * 1024;

const crlNumberAnnotation = 'internal-ca.io/crl-number';
const fingerprintsAnnotation = 'internal-ca.io/ca-fingerprints';
const nextUpdateAnnotation = 'internal-ca.io/next-update';
const checksumAnnotation = 'internal-ca.io/checksum';

/**
 * Type Opaque with exactly `ca.crt` and `ca.crl`: beside `tls.crt` and `tls.key`, ingress-nginx would put a private key
 * into its CA file and haproxy-ingress would ignore the CRL.
 */
export function secretManifest(
  material: TrustMaterial,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      name,
      labels: copyLabels,
      annotations: {
        [crlNumberAnnotation]: material.crlNumber.toString(),
        [fingerprintsAnnotation]: material.caFingerprints.join(','),
        [nextUpdateAnnotation]: material.nextUpdate.toISOString(),
        [checksumAnnotation]: checksumOf(material, material),
        ...annotations,
      },
    },
    data: encodeSecretData({ 'ca.crt': material.caCrt, 'ca.crl': material.caCrl }),
  } satisfies Omit<Applied<Secret>, 'metadata'> & { metadata: object };
}

export function sizeOf(material: Pick<TrustMaterial, 'caCrt' | 'caCrl'>): number {
  return Buffer.byteLength(material.caCrt) + Buffer.byteLength(material.caCrl);
}

/** What a copy says of itself, when its content is still what was written with it. */
export interface CopyMark {
  readonly crlNumber: bigint;
  readonly caFingerprints: readonly string[];
  readonly checksum: string;
}

/**
 * The mark of a copy that was found. Undefined when content and annotations do not belong together (somebody edited
 * one of them): such a copy is never taken for newer than ours.
 */
export function markOf(
  annotations: Readonly<Record<string, string>> | undefined,
  content: { readonly caCrt: string; readonly caCrl: string },
): CopyMark | undefined {
  const number = annotations?.[crlNumberAnnotation] ?? '';
  const checksum = annotations?.[checksumAnnotation];
  if (!/^\d{1,49}$/.test(number) || checksum === undefined) return undefined;
  const fingerprints = annotations?.[fingerprintsAnnotation] ?? '';
  const mark = { crlNumber: BigInt(number), caFingerprints: fingerprints.split(',').filter((f) => f !== '') };
  return checksumOf(mark, content) === checksum ? { ...mark, checksum } : undefined;
}

/**
 * `newer`: the copy has a later CRL of the very same CAs, so writing ours would take revocations back (another
 * process was faster). CRL numbers of different CAs say nothing about each other.
 */
export function compareCopy(
  mark: CopyMark | undefined,
  material: TrustMaterial,
): 'absent' | 'same' | 'newer' | 'outdated' {
  if (mark === undefined) return 'absent';
  if (mark.checksum === checksumOf(material, material)) return 'same';
  const sameAuthorities = mark.caFingerprints.join() === material.caFingerprints.join();
  return sameAuthorities && mark.crlNumber > material.crlNumber ? 'newer' : 'outdated';
}

function checksumOf(
  mark: { readonly crlNumber: bigint; readonly caFingerprints: readonly string[] },
  content: { readonly caCrt: string; readonly caCrl: string },
): string {
  const parts = [mark.crlNumber.toString(), mark.caFingerprints.join(','), content.caCrt, content.caCrl];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
