import type { CrlForm } from '../store/publications.ts';
import { assertPublishable } from './guard.ts';
import type { CrlText, TrustMaterial } from './trust-material.ts';

/** What a copy is of: the material in one of its forms. */
export interface CopyFacts
  extends Pick<TrustMaterial, 'caCrt' | 'crlNumber' | 'nextUpdate' | 'caFingerprints'> {
  readonly form: CrlForm;
}

/** What one copy holds, of a size that a Secret takes. */
export interface CopyContent extends CopyFacts {
  /** Absent in the form `none` alone. */
  readonly caCrl?: string;
}

/** The same of any size, as files hold it. */
export interface CopyPems extends CopyFacts {
  /** One after the other, `ca.crl`; absent in the form `none` alone. */
  readonly crlPems?: readonly Buffer[];
}

/** The form to write when this one is wished for: there may be no compact one, and then the full one is as good or as bad. */
export function formAtHand({ crls }: TrustMaterial, wished: CrlForm): CrlForm {
  return wished === 'compact' && crls.compact === undefined ? 'full' : wished;
}

/** The sum of the raw values in bytes, without making them. */
export function sizeIn(material: TrustMaterial, form: CrlForm): number {
  return Buffer.byteLength(material.caCrt) + (crlIn(material, form)?.sizeBytes ?? 0);
}

/**
 * The material in this form, made and looked through once for all copies.
 * @throws Fault `internal` when it is not fit to leave the process
 */
export const pemsIn = oncePerForm(async (material, form): Promise<CopyPems> => {
  const { caCrt, crlNumber, nextUpdate, caFingerprints } = material;
  const crlPems = await crlIn(material, form)?.pems();
  const content: CopyPems = {
    ...{ form, caCrt, crlNumber, nextUpdate, caFingerprints },
    ...(crlPems === undefined ? {} : { crlPems }),
  };
  await assertPublishable(content);
  return content;
});

/** `pemsIn` as text, for what fits a Secret: that of a million entries would hold up everybody. @throws as `pemsIn` */
export const contentIn = oncePerForm(async (material, form): Promise<CopyContent> => {
  const { crlPems, ...facts } = await pemsIn(material, form);
  return crlPems === undefined ? facts : { ...facts, caCrl: Buffer.concat(crlPems).toString('latin1') };
});

function oncePerForm<Content>(make: (material: TrustMaterial, form: CrlForm) => Promise<Content>) {
  const made = new WeakMap<TrustMaterial, Map<CrlForm, Promise<Content>>>();
  return (material: TrustMaterial, form: CrlForm): Promise<Content> => {
    const ofMaterial = made.get(material) ?? new Map<CrlForm, Promise<Content>>();
    made.set(material, ofMaterial);
    const content = ofMaterial.get(form) ?? make(material, form);
    ofMaterial.set(form, content);
    return content;
  };
}

function crlIn({ crls }: TrustMaterial, form: CrlForm): CrlText | undefined {
  if (form === 'none') return undefined;
  return form === 'compact' ? (crls.compact ?? crls.full) : crls.full;
}
