import { Fault } from '../fault.ts';
import {
  type CertificationRequest,
  type RequestedExtension,
  requestedSubjectAltNames,
} from '../x509/certification-request.ts';
import {
  readBasicConstraints,
  readExtendedKeyUsage,
  readKeyUsage,
  readSubjectKeyIdentifier,
} from '../x509/extension-reader.ts';
import { extensionLabel, extensionOid, type KeyUsage } from '../x509/extensions.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';
import { extendedKeyUsageName } from './extended-key-usages.ts';
import type { Profile } from './profile.ts';

/** What a CSR asks for, once the profile has agreed. */
export interface GrantedExtensions {
  readonly subjectAltName: readonly GeneralName[];
  /** GeneralNames DER as the CSR wrote it; undefined when it asked for none. */
  readonly subjectAltNameDer: Buffer | undefined;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly string[];
}

/**
 * Goes through every extension of the CSR: each is granted or refused by its name (rule 8). A CSR may narrow the profile's
 * usages, never widen them. What can never reach a certificate is left out, and named by `notHonouredOf`: attributes other
 * than extensionRequest, and usages that an EC key has not.
 * @throws Fault extension-not-allowed, key-usage-not-allowed
 */
export function grantExtensions(csr: CertificationRequest, profile: Profile): GrantedExtensions {
  const subjectAltName = requestedSubjectAltNames(csr);
  const granted = {
    subjectAltName: subjectAltName?.names ?? [],
    subjectAltNameDer: subjectAltName?.extension.value,
    keyUsage: profileKeyUsage(csr, profile),
    extendedKeyUsage: profile.extendedKeyUsage,
  };
  for (const extension of csr.extensions) {
    switch (extension.oid) {
      case extensionOid.subjectAltName:
        // Granted above; the profile looks at each name.
        break;
      case extensionOid.keyUsage:
        granted.keyUsage = narrowKeyUsage(extension, granted.keyUsage, csr, profile);
        break;
      case extensionOid.extendedKeyUsage:
        granted.extendedKeyUsage = narrowExtendedKeyUsage(extension, profile);
        break;
      case extensionOid.basicConstraints:
        refuseCa(extension);
        break;
      case extensionOid.subjectKeyIdentifier:
        refuseOtherKeyIdentifier(extension, csr);
        break;
      default:
        throw notAllowed(extension, `The profile ${profile.name} does not allow the extension`);
    }
  }
  return granted;
}

/** RFC 5480 section 3 and RFC 8410 section 5: an EC or Ed25519 key enciphers nothing. */
const enciphering: readonly KeyUsage[] = ['keyEncipherment', 'dataEncipherment'];

/**
 * What clients ask for out of habit with any key, and does not bind with an EC key: cert-manager's default and OpenSSL's stock
 * `v3_req` ask for keyEncipherment, the latter for nonRepudiation as well.
 */
const leftOutWithoutRsa: readonly KeyUsage[] = [...enciphering, 'nonRepudiation'];

function profileKeyUsage(csr: CertificationRequest, profile: Profile): readonly KeyUsage[] {
  if (csr.publicKey.algorithm === 'rsa') return profile.keyUsage;
  return profile.keyUsage.filter((usage) => !enciphering.includes(usage));
}

function narrowKeyUsage(
  extension: RequestedExtension,
  allowed: readonly KeyUsage[],
  csr: CertificationRequest,
  profile: Profile,
): readonly KeyUsage[] {
  const asked = read(extension, readKeyUsage);
  const mayLeaveOut = csr.publicKey.algorithm === 'rsa' ? [] : leftOutWithoutRsa;
  const granted = allowed.filter((usage) => asked.includes(usage));
  const missing = asked.filter((usage) => !allowed.includes(usage));
  // RFC 5280 4.2.1.3: at least one bit is set, so not all can be left out.
  const wrong = missing.find((usage) => granted.length === 0 || !mayLeaveOut.includes(usage));
  if (wrong === undefined) return granted;
  throw new Fault(
    'key-usage-not-allowed',
    `The profile ${profile.name} does not allow the key usage ${wrong} for this type of key; it allows ${listed(allowed)}`,
    { field: 'csr.extensions.keyUsage' },
  );
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function narrowExtendedKeyUsage(extension: RequestedExtension, profile: Profile): readonly string[] {
  const asked = read(extension, readExtendedKeyUsage);
  for (const usage of asked) {
    if (profile.extendedKeyUsage.includes(usage)) continue;
    throw new Fault(
      'key-usage-not-allowed',
      `The profile ${profile.name} does not allow the extended key usage ${extendedKeyUsageName(usage)}; it allows ${listed(profile.extendedKeyUsage.map(extendedKeyUsageName))}`,
      { field: 'csr.extensions.extendedKeyUsage' },
    );
  }
  return profile.extendedKeyUsage.filter((usage) => asked.includes(usage));
}

/** CA:FALSE is what OpenSSL's stock configuration asks for, and what every leaf of ours is. */
function refuseCa(extension: RequestedExtension): void {
  if (read(extension, readBasicConstraints).ca)
    throw notAllowed(extension, 'No profile issues a CA certificate, so none takes');
}

function refuseOtherKeyIdentifier(extension: RequestedExtension, csr: CertificationRequest): void {
  if (read(extension, readSubjectKeyIdentifier).equals(subjectKeyIdentifier(csr.publicKey))) return;
  throw notAllowed(
    extension,
    "The CA computes the key identifier (RFC 5280 4.2.1.2 (1)) and gets another one than the CSR's",
  );
}

function fieldOf(extension: RequestedExtension): string {
  return `csr.extensions.${extensionLabel(extension.oid)}`;
}

function read<T>(
  extension: RequestedExtension,
  reader: (value: Buffer, field: string, code: 'csr-malformed') => T,
): T {
  return reader(extension.value, fieldOf(extension), 'csr-malformed');
}

function notAllowed(extension: RequestedExtension, why: string): Fault {
  return new Fault('extension-not-allowed', `${why} ${extensionLabel(extension.oid)}`, {
    field: fieldOf(extension),
  });
}
