/** Extended key usages by the names of RFC 5280 4.2.1.12; profiles may also give dotted OIDs. */
export const extendedKeyUsages: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
};

/** OCSPSigning (RFC 6960 4.2.2.2). No profile has it: whoever holds such a certificate can say of any other that it is good. */
export const ocspSigning = '1.3.6.1.5.5.7.3.9';

const names = new Map(Object.entries(extendedKeyUsages).map(([name, oid]) => [oid, name]));

/** `clientAuth`, …; the dotted OID of a usage without a name here. */
export function extendedKeyUsageName(oid: string): string {
  return names.get(oid) ?? oid;
}
