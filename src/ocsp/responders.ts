import { createHash } from 'node:crypto';
import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { decodePem } from '../encoding/pem.ts';
import type { IssuanceService } from '../issuance/issuance-service.ts';
import { ownRequest } from '../issuance/own-request.ts';
import { generatePrivateKey } from '../keys/private-key.ts';
import { createSoftwareSigner, type Signer } from '../keys/signer.ts';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import { readCertificate } from '../x509/certificate.ts';
import { responderName } from './responder-profile.ts';

/** With what the answers about one authority's certificates are signed (RFC 6960 2.6, 4.2.2.2). */
export interface Responder {
  /** DER. */
  readonly certificate: Buffer;
  /** Lower-case hex. */
  readonly serial: string;
  /** SHA-1 of the public key, as ResponderID has it. */
  readonly keyHash: Buffer;
  readonly signer: Signer;
  readonly notAfter: Date;
  /** Half way to `notAfter`. */
  readonly renewAt: Date;
}

export interface Responders {
  /** Undefined while there is none that is valid. */
  of(authority: string): Responder | undefined;
  /** Sees to it that each authority has one; resolves after the first try, which may have failed. */
  start(): Promise<void>;
  /** Renews what has had half of its time, or is revoked. Failures go to `onFailed`, and the next look tries again. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

export interface RespondersParts {
  /** With `responderProfile` and `responderTemplates`; records each certificate before it hands it out. */
  readonly issuance: Pick<IssuanceService, 'issue'>;
  readonly authorities: readonly Pick<Authority, 'name' | 'certificate'>[];
  readonly index: Pick<RevocationIndex, 'lookup'>;
  readonly clock: Clock;
  /** How often it is looked whether one is due. */
  readonly everyMilliseconds: number;
  readonly onRenewed: (authority: string, responder: Responder) => void;
  readonly onFailed: (authority: string, error: unknown) => void;
}

/**
 * Makes a key and has a certificate issued for it, per authority and process, before anybody asks, and again at half of its
 * validity. The keys are in memory only: what ends with the process cannot be stolen from a disk.
 */
export function createResponders(parts: RespondersParts): Responders {
  const held = new Map<string, Responder>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  async function maintainAll(): Promise<void> {
    for (const authority of parts.authorities) {
      if (!isDue(authority)) continue;
      try {
        const responder = await issueResponder(parts, authority.name);
        held.set(authority.name, responder);
        parts.onRenewed(authority.name, responder);
      } catch (error) {
        parts.onFailed(authority.name, error);
      }
    }
  }

  /** No later certificate could outlive one that ends with the authority's own. */
  function isDue({ name, certificate }: RespondersParts['authorities'][number]): boolean {
    const present = held.get(name);
    // As one of all that a bulk revoked. Clients are told not to ask (nocheck), but some look into the CRL all the same.
    if (present === undefined || parts.index.lookup(name, present.serial) !== undefined) return true;
    return parts.clock.now() >= present.renewAt.getTime() && present.notAfter < certificate.notAfter;
  }

  function maintain(): Promise<void> {
    working ??= maintainAll().finally(() => {
      working = undefined;
    });
    return working;
  }

  return {
    of(authority) {
      const responder = held.get(authority);
      return responder !== undefined && parts.clock.now() < responder.notAfter.getTime()
        ? responder
        : undefined;
    },
    maintain,
    async start() {
      timer = setInterval(maintain, parts.everyMilliseconds);
      timer.unref();
      await maintain();
    },
    async close() {
      clearInterval(timer);
      await working;
    },
  };
}

async function issueResponder({ issuance, clock }: RespondersParts, authority: string): Promise<Responder> {
  const key = await generatePrivateKey('ec-p256');
  const { certificatePem, serial, notAfter } = await issuance.issue({
    csr: ownRequest(key, 'CN=OCSP responder'),
    profile: responderName,
    authority,
    requester: responderName,
  });
  const [block] = decodePem(certificatePem, 'CERTIFICATE');
  if (block === undefined) throw new Error('the certificate that was issued is not there');
  const { publicKey } = readCertificate(block.der);
  const now = clock.now();
  return {
    certificate: block.der,
    serial,
    keyHash: createHash('sha1').update(publicKey.subjectPublicKey).digest(),
    signer: createSoftwareSigner(key),
    notAfter,
    renewAt: new Date(now + (notAfter.getTime() - now) / 2),
  };
}
