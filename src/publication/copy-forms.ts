import type { CrlForm } from '../store/publications.ts';
import type { TrustMaterial } from './trust-material.ts';

/** Who decides how each copy carries the CRLs: see `src/budget`. */
export interface CopyForms {
  /** There is new material. Resolves when the forms are decided, before any copy gets it; never rejects. */
  weigh(material: TrustMaterial): Promise<void>;
  /** Of the copy in this namespace, as was decided last. */
  of(namespace: string): CrlForm;
  /**
   * The same for a call, on any replica: as is decided now, for an Ingress that is about to read the copy.
   * @throws Fault `database-unavailable`; `conflict` where the CRL does not fit and the Ingress would depend on it
   */
  forCall(namespace: string, reader: CopyReader): Promise<CrlForm>;
  /** Tells that some copies are to have another form. @returns ends it */
  onChange(listener: () => void): () => void;
}

/** An Ingress, before it reads a copy. */
export interface CopyReader {
  /** It will ask us about each request, so that it does not depend on the CRL. */
  readonly asksOnline: boolean;
  /** In the copy's namespace. Absent: none in particular. */
  readonly name?: string;
}

/** Where nothing limits a copy, or nobody decides. */
export const alwaysFull: CopyForms = {
  weigh: async () => undefined,
  of: () => 'full',
  forCall: async () => 'full',
  onChange: () => () => undefined,
};
