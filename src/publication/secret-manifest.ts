import { type Applied, encodeSecretData, type Secret } from '../kubernetes/client.ts';
import { type CrlForm, crlForms } from '../store/publications.ts';
import { checksumOf } from './copy-checksum.ts';
import type { CopyContent, CopyFacts } from './copy-content.ts';
import { copyLabels } from './copy-metadata.ts';

/** What Kubernetes allows for the sum of a Secret's raw values (core/v1 MaxSecretSize). */
export const secretLimitBytes = 1024 * 1024;

const crlNumberAnnotation = 'internal-ca.io/crl-number';
const crlFormAnnotation = 'internal-ca.io/crl-form';
const whyNoCrlAnnotation = 'internal-ca.io/why-no-crl';
const fingerprintsAnnotation = 'internal-ca.io/ca-fingerprints';
const nextUpdateAnnotation = 'internal-ca.io/next-update';
const checksumAnnotation = 'internal-ca.io/checksum';

/** For whoever finds such a Secret and misses the CRL. */
const whyNoCrl =
  'The CRL has outgrown what a Secret holds. Every Ingress that names this Secret asks internal-ca about revocation instead, which has been proven; do not use it where nothing asks.';

/**
 * Type Opaque with exactly `ca.crt` and `ca.crl`: beside `tls.crt` and `tls.key`, ingress-nginx would put a private key
 * into its CA file and haproxy-ingress would ignore the CRL. In the form `none` with `ca.crt` alone, and the annotations
 * say so; they then tell no CRL number either, so that such a copy is not written again for each new CRL.
 */
export function secretManifest(
  content: CopyContent,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
) {
  const { caCrt, caCrl } = content;
  return {
    ...manifestHead(content, checksumOf(content), name, annotations),
    data: encodeSecretData({ 'ca.crt': caCrt, ...(caCrl === undefined ? {} : { 'ca.crl': caCrl }) }),
  } satisfies Omit<Applied<Secret>, 'metadata'> & { metadata: object };
}

/** The manifest without what the Secret holds. */
export function manifestHead(
  { form, crlNumber, nextUpdate, caFingerprints }: CopyFacts,
  checksum: string,
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
        ...(form === 'none'
          ? { [whyNoCrlAnnotation]: whyNoCrl }
          : {
              [crlNumberAnnotation]: crlNumber.toString(),
              [nextUpdateAnnotation]: nextUpdate.toISOString(),
            }),
        [crlFormAnnotation]: form,
        [fingerprintsAnnotation]: caFingerprints.join(','),
        [checksumAnnotation]: checksum,
        ...annotations,
      },
    },
  } as const;
}

/** What is read back of a copy; `caCrl` is absent where there is no such key. */
export type FoundContent = Pick<CopyContent, 'caCrt' | 'caCrl'>;

/** What a copy in this form must not say. */
export function annotationsOfOtherForms(form: CrlForm): readonly string[] {
  return form === 'none' ? [crlNumberAnnotation, nextUpdateAnnotation] : [whyNoCrlAnnotation];
}

export function sizeOf({ caCrt, caCrl = '' }: FoundContent): number {
  return Buffer.byteLength(caCrt) + Buffer.byteLength(caCrl);
}

/** What a copy says of itself, when its content is still what was written with it. */
export interface CopyMark {
  /** Absent in the form `none`. */
  readonly crlNumber?: bigint;
  readonly crlForm: CrlForm;
  readonly caFingerprints: readonly string[];
  readonly checksum: string;
}

/**
 * The mark of a copy that was found. Undefined when content and annotations do not belong together (somebody edited
 * one of them): such a copy is never taken for newer than ours.
 */
export function markOf(
  annotations: Readonly<Record<string, string>> | undefined,
  found: FoundContent,
): CopyMark | undefined {
  const told = toldMark(annotations, found.caCrl !== undefined);
  if (told === undefined) return undefined;
  const { crlForm: form, crlNumber, caFingerprints, checksum } = told;
  return checksumOf({ ...found, form, crlNumber, caFingerprints }) === checksum ? told : undefined;
}

/** What the annotations say, whether that is so or not. Undefined when they contradict one another. */
export function toldMark(
  annotations: Readonly<Record<string, string>> | undefined,
  hasCrl: boolean,
): CopyMark | undefined {
  const number = annotations?.[crlNumberAnnotation] ?? '';
  const checksum = annotations?.[checksumAnnotation];
  const crlForm = formOf(annotations, hasCrl);
  const isNumbered = /^\d{1,49}$/.test(number);
  if (checksum === undefined || crlForm === undefined || isNumbered !== (crlForm !== 'none'))
    return undefined;
  const caFingerprints = (annotations?.[fingerprintsAnnotation] ?? '').split(',').filter((f) => f !== '');
  const crlNumber = isNumbered ? BigInt(number) : undefined;
  return { crlForm, caFingerprints, checksum, ...(crlNumber === undefined ? {} : { crlNumber }) };
}

/** Copies of before the forms tell none: they are full. */
function formOf(
  annotations: Readonly<Record<string, string>> | undefined,
  hasCrl: boolean,
): CrlForm | undefined {
  const told = annotations?.[crlFormAnnotation] ?? 'full';
  const form = crlForms.find((known) => known === told);
  return (form === 'none') !== hasCrl ? form : undefined;
}

/**
 * `newer`: the copy has a later CRL of the very same CAs, so writing ours would take revocations back (another
 * process was faster). CRL numbers of different CAs say nothing about each other, and a copy without a CRL is never newer.
 */
export function compareCopy(
  mark: CopyMark | undefined,
  content: CopyFacts,
  checksum: string,
): 'absent' | 'same' | 'newer' | 'outdated' {
  if (mark === undefined) return 'absent';
  if (mark.checksum === checksum) return 'same';
  const { crlNumber, caFingerprints } = mark;
  if (content.form === 'none' || crlNumber === undefined) return 'outdated';
  const sameAuthorities = caFingerprints.join() === content.caFingerprints.join();
  return sameAuthorities && crlNumber > content.crlNumber ? 'newer' : 'outdated';
}
