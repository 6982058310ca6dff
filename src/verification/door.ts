import type { AllowRule } from './allow-rule.ts';
import type { CertificateHeader } from './forwarded-certificate.ts';

/** Who asks, and what is asked of the clients that they ask about. */
export interface Door {
  /** The only header that is looked at for the certificate. */
  readonly header: CertificateHeader;
  /**
   * Whether `ssl-client-verify` has to say that TLS verified the client: only hosts with a CA of their own set it, and only
   * they overwrite what a client sends under these names (ingress-nginx #8299).
   */
  readonly needsTlsVerdict: boolean;
  /** False: a client without a certificate is let in, as nobody. */
  readonly certificateRequired: boolean;
  /** Only certificates of this one; of any when absent. */
  readonly authority?: string;
  /** One has to fit; everybody is let in when absent. */
  readonly allow?: readonly AllowRule[] | undefined;
}
