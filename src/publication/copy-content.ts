import type { CrlForm } from '../store/publications.ts';
import { assertPublishable } from './guard.ts';
import type { CrlText, TrustMaterial } from './trust-material.ts';

/** What one copy holds: the material in one of its forms. */
export interface CopyContent
  extends Pick<TrustMaterial, 'caCrt' | 'crlNumber' | 'nextUpdate' | 'caFingerprints'> {
  readonly form: CrlForm;
  /** Absent in the form `none` alone. */
  readonly caCrl?: string;
}

/** The form to write when this one is wished for: there may be no compact one, and then the full one is as good or as bad. */
export function formAtHand({ crls }: TrustMaterial, wished: CrlForm): CrlForm {
  return wished === 'compact' && crls.compact === undefined ? 'full' : wished;
}

/** The sum of the raw values in bytes, without making them. */
export function sizeIn(material: TrustMaterial, form: CrlForm): number {
  return Buffer.byteLength(material.caCrt) + (crlIn(material, form)?.sizeBytes ?? 0);
}

const contents = new WeakMap<TrustMaterial, Map<CrlForm, Promise<CopyContent>>>();

/**
 * The material in this form, made and looked through once for all copies.
 * @throws Fault `internal` when it is not fit to leave the process
 */
export function contentIn(material: TrustMaterial, form: CrlForm): Promise<CopyContent> {
  const made = contents.get(material) ?? new Map<CrlForm, Promise<CopyContent>>();
  contents.set(material, made);
  const content = made.get(form) ?? make(material, form);
  made.set(form, content);
  return content;
}

async function make(material: TrustMaterial, form: CrlForm): Promise<CopyContent> {
  const { caCrt, crlNumber, nextUpdate, caFingerprints } = material;
  const caCrl = await crlIn(material, form)?.text();
  const content: CopyContent = {
    ...{ form, caCrt, crlNumber, nextUpdate, caFingerprints },
    ...(caCrl === undefined ? {} : { caCrl }),
  };
  assertPublishable(content);
  return content;
}

function crlIn({ crls }: TrustMaterial, form: CrlForm): CrlText | undefined {
  if (form === 'none') return undefined;
  return form === 'compact' ? (crls.compact ?? crls.full) : crls.full;
}
