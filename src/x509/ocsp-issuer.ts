import { createHash } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import type { OcspCertId } from './ocsp-request.ts';

/** By OID (RFC 3279, RFC 5754). SHA-1 only names the issuer here; nothing is signed with it, and RFC 5019 clients send no other. */
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Tells whether the certificate that a CertID means was issued by this CA. False for a hash algorithm that is not known. */
export type OcspIssuer = (certId: OcspCertId) => boolean;

/** @param issuer the CA's own certificate; hashed once (RFC 6960 4.1.1: its subject's DER, and its key without tag and length) */
export function ocspIssuer({ subject, publicKey }: Pick<Certificate, 'subject' | 'publicKey'>): OcspIssuer {
  const known = new Map(
    Object.entries(hashes).map(([oid, name]) => [
      oid,
      { name: digest(name, subject.der), key: digest(name, publicKey.subjectPublicKey) },
    ]),
  );
  return ({ hashAlgorithm, issuerNameHash, issuerKeyHash }) => {
    const own = known.get(hashAlgorithm);
    if (own === undefined) return false;
    return own.name.equals(issuerNameHash) && own.key.equals(issuerKeyHash);
  };
}

function digest(name: string, content: Buffer): Buffer {
  return createHash(name).update(content).digest();
}
