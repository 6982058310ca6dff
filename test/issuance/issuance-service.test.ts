import 'reflect-metadata';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import test from 'node:test';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
} from '@peculiar/x509';
import { createAuthorityRegistry } from '../../src/authority/authority.ts';
import { decodePem } from '../../src/encoding/pem.ts';
import { Fault, type FaultCode } from '../../src/fault.ts';
import {
  createIssuanceService,
  type IssuanceParts,
  type IssuanceService,
  type IssueRequest,
} from '../../src/issuance/issuance-service.ts';
import { boundProfiles, loadProfiles } from '../../src/issuance/load-profiles.ts';
import { createTemplateSource } from '../../src/issuance/templates.ts';
import type { CertificateRecord } from '../../src/store/certificates.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';
import { type CsrOptions, makeCsr } from '../support/csr.ts';

const clock = createTestClock();
const authority = await makeAuthority(clock.now());
const profiles = boundProfiles(await loadProfiles(undefined), { authoritySeconds: 10 * 365 * 86_400 });

/** Keeps rows in memory; what the real table adds is tested with it, in test/store and test/system. */
function service(overrides: Partial<IssuanceParts> = {}): {
  issuance: IssuanceService;
  rows: CertificateRecord[];
} {
  const rows: CertificateRecord[] = [];
  const issuance = createIssuanceService({
    authorities: createAuthorityRegistry([authority]),
    certificates: {
      async insert(record) {
        const clash = rows.some(
          (row) =>
            record.idempotency !== undefined &&
            row.requester === record.requester &&
            row.idempotency?.key === record.idempotency.key,
        );
        if (clash) return 'idempotency-conflict';
        rows.push(record);
        return 'inserted';
      },
      async findByIdempotencyKey(requester, key) {
        const row = rows.find((one) => one.requester === requester && one.idempotency?.key === key);
        return row?.idempotency && { ...row, requestHash: row.idempotency.requestHash };
      },
    },
    profiles,
    templates: createTemplateSource('https://ca.example/'),
    clock,
    backdateSeconds: 60,
    ...overrides,
  });
  return { issuance, rows };
}

async function issue(csr: CsrOptions, request: Partial<IssueRequest> = {}): Promise<Certificate> {
  const { pem } = await makeCsr(csr);
  const issued = await service().issuance.issue({ csr: Buffer.from(pem), requester: 'token:t', ...request });
  const [block] = decodePem(issued.certificatePem, 'CERTIFICATE');
  return readCertificate(block?.der ?? Buffer.alloc(0));
}

async function refused(csr: CsrOptions, code: FaultCode, field: string, request: Partial<IssueRequest> = {}) {
  await assert.rejects(issue(csr, request), (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.deepEqual([error.code, error.field], [code, field], error.message);
    return true;
  });
}

test('a CSR becomes a certificate of the default profile, recorded before it is returned', async () => {
  const { issuance, rows } = service();
  const { pem, der } = await makeCsr({
    subject: 'O=Example,CN=alice',
    sans: [{ type: 'dns', value: 'Alice.Example' }],
  });
  const issued = await issuance.issue({
    csr: Buffer.from(pem),
    requester: 'token:t',
    metadata: { ticket: '7' },
  });
  const certificate = new X509Certificate(issued.certificatePem);
  assert.equal(certificate.checkIssued(new X509Certificate(issued.chainPem)), true);
  assert.equal(certificate.verify(authority.signer.publicKey), true);
  assert.equal(certificate.serialNumber.toLowerCase(), issued.serial);
  assert.equal(issued.subject, 'CN=alice,O=Example');
  assert.equal(issued.profile, 'client');
  assert.equal(issued.notBefore.getTime(), clock.now() - 60_000);
  assert.equal(issued.notAfter.getTime(), clock.now() + 90 * 86_400_000);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  const [row] = rows;
  assert.equal(row?.serial, issued.serial);
  assert.equal(row?.fingerprint, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.deepEqual(row?.metadata, { ticket: '7' });
  assert.deepEqual(row?.sans, ['dns:alice.example']);
  const fromDer = await issuance.issue({ csr: der, requester: 'token:t' });
  assert.notEqual(fromDer.serial, issued.serial);
});

test('nothing is returned when the row cannot be written', async () => {
  const outage = new Fault('database-unavailable', 'gone');
  const { issuance } = service({
    certificates: { insert: () => Promise.reject(outage), findByIdempotencyKey: async () => undefined },
  });
  const { der } = await makeCsr();
  await assert.rejects(issuance.issue({ csr: der, requester: 'token:t' }), outage);
});

test('a key that was reported as compromised is refused', async () => {
  const { issuance } = service({
    certificates: { insert: async () => 'key-blocked', findByIdempotencyKey: async () => undefined },
  });
  const { der } = await makeCsr();
  await assert.rejects(issuance.issue({ csr: der, requester: 'token:t' }), {
    code: 'key-blocked',
    field: 'csr.publicKey',
  });
});

test('an Idempotency-Key gives the same certificate for the same request and refuses another', async () => {
  const { issuance, rows } = service();
  const { der, pem } = await makeCsr();
  const request = { csr: der, requester: 'token:t', idempotencyKey: 'k1', metadata: { a: '1', b: '2' } };
  const first = await issuance.issue(request);
  const second = await issuance.issue({ ...request, csr: Buffer.from(pem), metadata: { b: '2', a: '1' } });
  assert.deepEqual(second, { ...first, replayed: true });
  await assert.rejects(issuance.issue({ ...request, validitySeconds: 3600 }), {
    code: 'idempotency-key-reused',
  });
  const other = await issuance.issue({ ...request, requester: 'token:other' });
  assert.notEqual(other.serial, first.serial);
  const together = await Promise.all(
    Array.from({ length: 8 }, () => issuance.issue({ ...request, idempotencyKey: 'k2' })),
  );
  assert.equal(new Set(together.map(({ serial }) => serial)).size, 1);
  assert.equal(rows.length, 3);
});

test('the certificate carries what RFC 5280 asks of a leaf, and where to find the CRL and the CA', async () => {
  const certificate = await issue({ keyType: 'ec-p384' });
  assert.equal(certificate.basicConstraints?.ca, false);
  assert.deepEqual(certificate.keyUsage, ['digitalSignature']);
  assert.deepEqual(certificate.authorityKeyId, authority.certificate.subjectKeyId);
  assert.equal(certificate.subjectKeyId?.length, 20);
  const text = new X509Certificate(certificate.der).toString();
  assert.ok(certificate.der.includes('https://ca.example/crl/internal-ca.crl'), text);
  assert.ok(certificate.der.includes('https://ca.example/ca/internal-ca.crt'));
  assert.equal(
    new X509Certificate(certificate.der).infoAccess,
    'CA Issuers - URI:https://ca.example/ca/internal-ca.crt',
  );
});

test('validity is what was asked within the profile, and never outlives the CA', async () => {
  const short = await issue({}, { validitySeconds: 3600 });
  assert.equal(short.notAfter.getTime(), clock.now() + 3_600_000);
  await refused({}, 'validity-not-allowed', 'validity', { validitySeconds: 366 * 86_400 });
  await refused({}, 'validity-not-allowed', 'validity', { validitySeconds: 59 });
  const old = await makeAuthority(clock.now(), { notAfter: new Date(clock.now() + 86_400_000) });
  const clamped = await service({ authorities: createAuthorityRegistry([old]) }).issuance.issue({
    csr: (await makeCsr()).der,
    requester: 'token:t',
  });
  assert.equal(clamped.notAfter.getTime(), old.certificate.notAfter.getTime());
  const expired = await makeAuthority(clock.now(), { notAfter: new Date(clock.now()) });
  const late = service({ authorities: createAuthorityRegistry([expired]) });
  await assert.rejects(late.issuance.issue({ csr: (await makeCsr()).der, requester: 'token:t' }), {
    code: 'key-unavailable',
  });
});

test('more names than anybody has, and names without end, are refused', async () => {
  const names = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ type: 'dns', value: `h${n}.example` }) as const);
  await refused({ sans: names(101) }, 'san-not-allowed', 'csr.extensions.subjectAltName');
  assert.equal((await issue({ sans: names(100) })).subject.rdns.length, 1);
  const units = (count: number) => Array.from({ length: count }, (_, n) => `OU=unit ${n}`).join(',');
  await refused({ subject: `${units(100)},CN=a` }, 'subject-not-allowed', 'csr.subject');
  assert.equal((await issue({ subject: `${units(99)},CN=a` })).subject.rdns.length, 100);
  const uri = (octets: number) => [
    { type: 'url', value: `spiffe://a/${'x'.repeat(octets - 'spiffe://a/'.length)}` } as const,
  ];
  await refused({ sans: uri(2049) }, 'san-not-allowed', 'csr.extensions.subjectAltName[0]');
  await issue({ sans: uri(2048) });
});

test('names outside the profile are refused by name', async () => {
  await refused({ subject: 'CN=a,2.5.4.65=x' }, 'subject-not-allowed', 'csr.subject.pseudonym');
  await refused({ subject: 'CN=a,1.2.3.4=x' }, 'subject-not-allowed', 'csr.subject.1.2.3.4');
  await refused({ subject: 'CN=a,OU=b,C=DE' }, 'subject-not-allowed', 'csr.subject.C', { profile: 'device' });
  await refused(
    { sans: [{ type: 'email', value: 'a@b.example' }] },
    'san-not-allowed',
    'csr.extensions.subjectAltName[0]',
    {
      profile: 'device',
    },
  );
  await refused(
    {
      sans: [
        { type: 'dns', value: 'a.example' },
        { type: 'dns', value: '*.example' },
      ],
    },
    'san-not-allowed',
    'csr.extensions.subjectAltName[1]',
  );
  await refused(
    { sans: [{ type: 'dn', value: 'CN=x' }] },
    'san-not-allowed',
    'csr.extensions.subjectAltName[0]',
  );
  await refused({ subject: 'O=Example,CN=Test CA' }, 'subject-not-allowed', 'csr.subject');
  await refused({ subject: '' }, 'subject-missing', 'csr.subject');
  await refused({}, 'subject-missing', 'csr.extensions.subjectAltName', { profile: 'server' });
  await refused({}, 'profile-unknown', 'profile', { profile: 'root' });
});

test('an empty subject goes with a critical subjectAltName', async () => {
  const certificate = await issue({
    subject: '',
    sans: [{ type: 'url', value: 'spiffe://td.example/ns/a/sa/b' }],
  });
  assert.equal(certificate.subject.rdns.length, 0);
  const san = certificate.extensions.find(({ oid }) => oid === '2.5.29.17');
  assert.equal(san?.critical, true);
  const named = await issue({
    sans: [
      { type: 'ip', value: '2001:db8::1' },
      { type: 'dns', value: 'db' },
    ],
  });
  assert.equal(named.extensions.find(({ oid }) => oid === '2.5.29.17')?.critical, false);
});

test('usages may be narrowed, never widened', async () => {
  const server = { profile: 'server' };
  const sans: CsrOptions['sans'] = [{ type: 'dns', value: 'db' }];
  const rsa = { keyType: 'rsa-2048', sans } as const;
  assert.deepEqual((await issue(rsa, server)).keyUsage, ['digitalSignature', 'keyEncipherment']);
  assert.deepEqual((await issue({ sans }, server)).keyUsage, ['digitalSignature']);
  const narrow = new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true);
  assert.deepEqual((await issue({ ...rsa, extensions: [narrow] }, server)).keyUsage, ['digitalSignature']);
  const wide = new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true);
  const own = { keyType: 'rsa-2048', extensions: [wide] } as const;
  await refused(own, 'key-usage-not-allowed', 'csr.extensions.keyUsage');
  const agreeing = new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement, true);
  await refused({ extensions: [agreeing] }, 'key-usage-not-allowed', 'csr.extensions.keyUsage');
  // Nothing would be left.
  const enciphering = new KeyUsagesExtension(KeyUsageFlags.keyEncipherment, true);
  await refused({ extensions: [enciphering] }, 'key-usage-not-allowed', 'csr.extensions.keyUsage');
  const sign = new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true);
  await refused({ extensions: [sign] }, 'key-usage-not-allowed', 'csr.extensions.keyUsage');
  const server1 = new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']);
  await refused({ extensions: [server1] }, 'key-usage-not-allowed', 'csr.extensions.extendedKeyUsage');
});

test('what a CSR asks beyond that is refused by name, never dropped', async () => {
  await refused(
    { extensions: [new BasicConstraintsExtension(true, undefined, true)] },
    'extension-not-allowed',
    'csr.extensions.basicConstraints',
  );
  assert.equal(
    (await issue({ extensions: [new BasicConstraintsExtension(false)] })).basicConstraints?.ca,
    false,
  );
  await refused(
    { extensions: [new Extension('1.2.3.4', false, Buffer.from('0500', 'hex'))] },
    'extension-not-allowed',
    'csr.extensions.1.2.3.4',
  );
});

test('keys outside the profile, and CSRs whose signature does not hold, are refused', async () => {
  await refused({ keyType: 'ec-p521' }, 'key-type-unsupported', 'csr.publicKey', { profile: 'device' });
  const { der } = await makeCsr();
  const broken = Buffer.from(der);
  broken.writeUInt8(broken.readUInt8(broken.length - 1) ^ 1, broken.length - 1);
  await assert.rejects(service().issuance.issue({ csr: broken, requester: 'token:t' }), {
    code: 'csr-signature-invalid',
  });
  await assert.rejects(service().issuance.issue({ csr: Buffer.from('nonsense'), requester: 'token:t' }), {
    code: 'csr-malformed',
  });
  await assert.rejects(service().issuance.issue({ csr: Buffer.alloc(33_000), requester: 'token:t' }), {
    code: 'csr-too-large',
  });
});
