import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Authority, AuthorityRegistry } from '../../authority/authority.ts';
import { createSelfSignedCertificate } from '../../authority/self-signed.ts';
import type { Clock } from '../../clock.ts';
import { encodePem } from '../../encoding/pem.ts';
import { extendedKeyUsages } from '../../issuance/extended-key-usages.ts';
import type { IssuanceService } from '../../issuance/issuance-service.ts';
import { ownRequest } from '../../issuance/own-request.ts';
import type { Profile } from '../../issuance/profile.ts';
import { generatePrivateKey, writePrivateKey } from '../../keys/private-key.ts';
import { createSoftwareSigner } from '../../keys/signer.ts';
import type { RevocationStore } from '../../store/revocations.ts';
import { type Certificate, readCertificate } from '../../x509/certificate.ts';
import { assembleSigned, fillTemplate, prepareTemplate } from '../../x509/certificate-template.ts';
import { encodeRevokedEntry } from '../../x509/crl.ts';
import { parseName } from '../../x509/name.ts';
import { readSubjectPublicKeyInfo, subjectKeyIdentifier } from '../../x509/public-key.ts';
import { serialFromRandom } from '../../x509/serial.ts';
import type { ClientIdentity } from './knock.ts';
import { probeName } from './probe-name.ts';

/** Who knocks with a certificate. */
export interface ProbeIdentities {
  /**
   * A one-minute certificate of that authority, and one that says the same of itself by a CA which nobody knows.
   * @throws Fault `authority-not-found`, `key-unavailable`, `database-unavailable`
   */
  of(authority: string): Promise<{ readonly ours: ClientIdentity; readonly unknown: ClientIdentity }>;
  /**
   * A one-minute certificate of that authority which is revoked, but on no CRL: only who asks us can know. Replicas have heard
   * of it about a second after it is first handed out.
   * @throws Fault `authority-not-found`, `key-unavailable`, `database-unavailable`
   */
  revoked(authority: string): Promise<ClientIdentity>;
}

const minute = 60;

/** Of the probe alone, whatever the configured profiles allow: it must always be able to prove a door. */
export const probeProfile: Profile = {
  name: probeName,
  description: 'The door of an Ingress is tried with these.',
  keys: { rsa: false, ec: ['P-256'], ed25519: false },
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: [extendedKeyUsages.clientAuth ?? ''],
  defaultValiditySeconds: minute,
  maxValiditySeconds: minute,
  subject: { allowed: ['CN'], required: ['CN'] },
  subjectAltName: { kinds: [], required: false, wildcards: false, patterns: {} },
};

/**
 * How long the same two serve every host and Ingress: each certificate of ours is a row for ever, and this leaves most of
 * its minute for the handshake.
 */
const reuseMs = 20_000;

export interface ProbeIdentityParts {
  /** With `probeProfile`; records each certificate before it hands it out. */
  readonly issuance: Pick<IssuanceService, 'issue'>;
  readonly revocations: Pick<RevocationStore, 'revoke'>;
  readonly authorities: Pick<AuthorityRegistry, 'get'>;
  readonly clock: Clock;
}

/** Makes the identities when they are needed; their keys are in memory only. */
export function createProbeIdentities(parts: ProbeIdentityParts): ProbeIdentities {
  return {
    of: remembered((name) => makeBoth(parts, name)),
    revoked: remembered((name) => makeRevoked(parts, name)),
  };
}

function remembered<T>(make: (authority: string) => Promise<T>): (authority: string) => Promise<T> {
  const made = new Map<string, { readonly at: number; readonly value: Promise<T> }>();
  return (authority) => {
    const now = performance.now();
    const known = made.get(authority);
    if (known !== undefined && now - known.at < reuseMs) return known.value;
    const value = make(authority);
    made.set(authority, { at: now, value });
    value.catch(() => made.delete(authority));
    return value;
  };
}

async function makeBoth(parts: ProbeIdentityParts, name: string) {
  const authority = parts.authorities.get(name);
  const [ours, unknown] = await Promise.all([issueOurs(parts, name), makeUnknown(authority, parts.clock)]);
  return { ours: ours.identity, unknown };
}

async function makeRevoked(parts: ProbeIdentityParts, authority: string): Promise<ClientIdentity> {
  const { identity, serial } = await issueOurs(parts, authority);
  const revokedAt = new Date(Math.floor(parts.clock.now() / 1000) * 1000);
  const reason = 'cessationOfOperation';
  await parts.revocations.revoke({
    serial,
    authority,
    reason,
    revokedAt,
    requester: probeName,
    entry: encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), revocationDate: revokedAt, reason }),
    blockSpki: false,
    inCrl: false,
  });
  return identity;
}

async function issueOurs(
  { issuance }: ProbeIdentityParts,
  authority: string,
): Promise<{ readonly identity: ClientIdentity; readonly serial: string }> {
  const key = await generatePrivateKey('ec-p256');
  const { certificatePem, chainPem, serial } = await issuance.issue({
    csr: ownRequest(key, `CN=${probeName}`),
    profile: probeProfile.name,
    authority,
    requester: probeName,
  });
  return { identity: { certificate: certificatePem + chainPem, key: writePrivateKey(key) }, serial };
}

/** A CA of the same name as ours with another key, and a leaf of the same name: a door that compares names lets it in. */
async function makeUnknown(
  { certificate }: Pick<Authority, 'certificate'>,
  clock: Clock,
): Promise<ClientIdentity> {
  const [caKey, key] = await Promise.all([generatePrivateKey('ec-p256'), generatePrivateKey('ec-p256')]);
  const now = Math.floor(clock.now() / 1000) * 1000;
  // Wide enough that no clock refuses it for its time instead of for its CA.
  const validity = { notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 86_400_000) };
  const ca = readCertificate(
    await createSelfSignedCertificate({
      subject: certificate.subject,
      privateKey: caKey,
      serial: serialFromRandom(randomBytes(16)),
      ...validity,
    }),
  );
  // The leaf alone: nginx with `optional_no_ca` takes it so, and hides that when it is shown the CA, whose CRL it misses.
  const leaf = await signLeaf(ca, caKey, key, validity);
  return { certificate: encodePem('CERTIFICATE', leaf), key: writePrivateKey(key) };
}

async function signLeaf(
  ca: Certificate,
  caKey: KeyObject,
  key: KeyObject,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
): Promise<Buffer> {
  const signer = createSoftwareSigner(caKey);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const template = prepareTemplate({
    issuerName: ca.subject.der,
    issuerKeyId: subjectKeyIdentifier(ca.publicKey),
    signatureAlgorithm: signer.algorithm.der,
    keyUsage: probeProfile.keyUsage,
    extendedKeyUsage: probeProfile.extendedKeyUsage,
  });
  const tbs = fillTemplate(template, {
    serial: serialFromRandom(randomBytes(16)),
    ...validity,
    subject: parseName(`CN=${probeName}`).der,
    spki,
    subjectKeyId: subjectKeyIdentifier(readSubjectPublicKeyInfo(spki)),
  });
  return assembleSigned(tbs, signer.algorithm.der, await signer.sign(tbs));
}
