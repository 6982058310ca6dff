import type { CrlForm } from '../store/publications.ts';
import type { TrustMaterial } from './trust-material.ts';

/** Who decides how each copy carries the CRLs: see `src/budget`. */
export interface CopyForms {
  /** There is new material. Resolves when the forms are decided, before any copy gets it; never rejects. */
  weigh(material: TrustMaterial): Promise<void>;
  /** Of the copy in this namespace, as was decided last. */
  of(namespace: string): CrlForm;
  /**
   * The same for a call, on any replica: as is decided now.
   * @throws Fault `database-unavailable`
   */
  forCall(namespace: string, material: TrustMaterial): Promise<CrlForm>;
  /** Tells that some copies are to have another form. */
  onChange(listener: () => void): void;
}

/** Where nothing limits a copy, or nobody decides. */
export const alwaysFull: CopyForms = {
  weigh: async () => undefined,
  of: () => 'full',
  forCall: async () => 'full',
  onChange: () => undefined,
};
