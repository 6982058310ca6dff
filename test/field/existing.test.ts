import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Authority } from '../../src/authority/authority.ts';
import { checkCaPair } from '../../src/authority/check-import.ts';
import { nullValue, objectIdentifier, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { decodePem, encodePem } from '../../src/encoding/pem.ts';
import { tag } from '../../src/encoding/tag.ts';
import { checkNotAuthority } from '../../src/issuance/check-names.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';
import { createProofOfPossessionService } from '../../src/revocation/proof-of-possession-service.ts';
import { examineCertificate } from '../../src/verification/client-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { parseName } from '../../src/x509/name.ts';
import { readOcspRequest } from '../../src/x509/ocsp-request.ts';
import { readSubjectPublicKeyInfo } from '../../src/x509/public-key.ts';
import { assembleSigned } from '../../src/x509/signed.ts';
import { temporaryFile } from '../config/support.ts';
import { importBench } from '../imports/import-bench.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';
import { encodeCaCertificate } from '../x509/ca-certificate.ts';
import { openssl } from '../x509/openssl.ts';
import { leafOf, oddLeaves } from './odd-leaves.ts';

const inputs = join(import.meta.dirname, 'inputs');
const textOf = (name: string): string => readFileSync(join(inputs, name), 'utf8');

function derOf(name: string): Buffer {
  const [block] = decodePem(textOf(name));
  assert.ok(block, name);
  return block.der;
}

/** Whose key is not here: for what needs none. */
function authorityOf(name: string): Authority & { readonly signer: { readonly publicKey: unknown } } {
  const certificate = readCertificate(derOf(name));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = { ...createSoftwareSigner(privateKey), publicKey: certificate.publicKey.keyObject };
  return { name: 'internal-ca', certificate, chain: [], signer };
}

const leaves: readonly (readonly [file: string, ca: string, subject: string])[] = [
  ['14a-cert-issuer-printable.pem', '13-old-ca.crt', ''],
  ['14b-cert-rsa-absent.pem', '13-old-ca.crt', 'CN=dave'],
  ['14c-cert-printable-underscore.pem', '13-old-ca.crt', 'CN=till_7@shop'],
  ['14e-cert-dns-underscore.pem', '13-old-ca.crt', 'CN=frank'],
  ['18a-leaf-critical-policies.pem', '13-old-ca.crt', 'CN=p1'],
  ['18c-leaf-empty-ou.pem', '13-old-ca.crt', 'OU=,CN=p3'],
  ['18f-leaf-bp.pem', '13-old-ca.crt', 'CN=p6'],
  ['18m-leaf-ecnull.pem', '15a-ca-ecdsa-null.crt', 'CN=esp32-1'],
];

for (const [file, ca, subject] of leaves) {
  test(`${file}: recorded by the import, let in by /v1/verify, and revoke-by-key says what is wrong`, async (t) => {
    const authority = authorityOf(ca);
    const bench = await importBench(t, authority);
    const { recorded, problems } = await bench.importCertificates(textOf(file));
    assert.deepEqual([recorded, problems], [1, []]);
    const found = await examineCertificate(derOf(file), [authority]);
    assert.ok('serial' in found, JSON.stringify(found));
    const record = await bench.certificates.findBySerial(found.serial);
    assert.ok(record);
    if (subject !== '') assert.deepEqual([record.subject, found.names.subject], [subject, subject]);
    const proof = createProofOfPossessionService({
      certificates: bench.certificates,
      revocation: { revoke: () => assert.fail('it was not proven') },
    });
    const wrong = { serial: found.serial, reason: 'unspecified', signature: Buffer.alloc(70, 1) } as const;
    await assert.rejects(proof.revoke(wrong), { code: 'proof-invalid' });
  });
}

for (const [crl, ca] of [
  ['13h-crl-go-createcrl.crl.pem', '13-old-ca.crt'],
  ['15c-mca-crl-null.crl.pem', '15a-ca-ecdsa-null.crt'],
] as const) {
  test(`${crl}: imported`, async (t) => {
    const bench = await importBench(t, authorityOf(ca));
    const { problems, read } = await bench.importCrl(textOf(crl));
    assert.deepEqual([read, problems], [1, []]);
  });
}

test('the CA certificates of the field can be read', () => {
  for (const name of ['13-old-ca.crt', '15a-ca-ecdsa-null.crt', '15b-ca-printable-underscore.crt'])
    assert.equal(readCertificate(derOf(name)).basicConstraints?.ca, true, name);
});

test('no name that a reader could take for that of the authority is issued', () => {
  const authority = parseName('CN=internal-ca,O=Zürich');
  const alike = [
    'CN=internal-ca\\ ,O=Zürich',
    'CN=Internal-CA,O=ZÜRICH',
    'CN=\\ \\ internal-ca,O=  Zürich',
    'CN=internal\u00ad-ca,O=Zu\u0308rich',
    'CN=ｉnternal-ca,O=Zürich',
    'CN=internal-ca,O=Zürich\u200b',
  ];
  for (const subject of alike)
    assert.throws(
      () => checkNotAuthority(parseName(subject), authority),
      { code: 'subject-not-allowed' },
      subject,
    );
  for (const subject of ['CN=internal-ca', 'CN=internal-ca2,O=Zürich', 'O=Zürich,CN=internal-ca'])
    checkNotAuthority(parseName(subject), authority);
});

test('17a-ocsp-nonce-raw.der: the request is read, and its nonce kept as it stands', () => {
  const { nonce, certIds } = readOcspRequest(readFileSync(join(inputs, '17a-ocsp-nonce-raw.der')));
  assert.ok(nonce !== undefined && nonce.length > 0);
  assert.equal(certIds.length, 1);
});

const cn = (text: string): Buffer =>
  tlv(tag.set, sequence(objectIdentifier('2.5.4.3'), tlv(tag.printableString, Buffer.from(text))));

/** Signed with NULL parameters, its name in a PrintableString that has none of these characters. */
function smithAndSons(now: number) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'), nullValue());
  const tbs = encodeCaCertificate({
    serial: Buffer.alloc(16, 1),
    subject: sequence(cn('Smith & Sons'), cn('_@*')),
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + 3650 * 86_400_000),
    publicKey: readSubjectPublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' })),
    signatureAlgorithm: algorithm,
  });
  return {
    certificate: readCertificate(assembleSigned(tbs, algorithm, sign('sha256', tbs, privateKey))),
    privateKey,
  };
}

test('a CA called Smith & Sons in a PrintableString works from import to openssl verify', async (t) => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const { certificate, privateKey } = smithAndSons(now);
  checkCaPair(certificate, privateKey, now);
  const directory = await mkdtemp(join(tmpdir(), 'smith-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const caPem = encodePem('CERTIFICATE', certificate.der);
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFile(join(directory, 'ca.crt'), caPem);
  await writeFile(join(directory, 'ca.key'), keyPem, { mode: 0o600 });
  const { url: databaseUrl } = await createTestDatabase(t);
  const callers = 'callers:\n  door:\n    header: ssl-client-cert\n    networks: [127.0.0.1]\n';
  const service = await startTestService(t, {
    inProcess: true,
    databaseUrl,
    env: {
      CA_IMPORT_CERTIFICATE_FILE: join(directory, 'ca.crt'),
      CA_IMPORT_KEY_FILE: join(directory, 'ca.key'),
      CRL_COALESCE: '0',
      VERIFY_CALLERS_FILE: temporaryFile(t, callers),
    },
  });
  const issue = async () => {
    const { pem } = await makeCsr();
    const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
    assert.equal(answer.status, 201, answer.body.toString());
    return { pem: answer.text('certificate'), serial: answer.text('serial') };
  };
  const [good, revoked] = [await issue(), await issue()];
  const leaf = readCertificate(decodePem(good.pem)[0]?.der ?? Buffer.alloc(0));
  assert.deepEqual(leaf.issuer.der, certificate.subject.der);
  await service.call('POST', `/v1/certificates/${revoked.serial}/revoke`, { body: {} });
  const crlPem = await eventually(async () => {
    const { body } = await service.call('GET', '/crl/internal-ca.pem', { token: null });
    const crl = readCrl(decodePem(body.toString())[0]?.der ?? Buffer.alloc(0));
    assert.deepEqual(crl.issuer.der, certificate.subject.der);
    assert.deepEqual(
      [...crl.entries()].map(({ serial }) => serial),
      [revoked.serial],
    );
    return body.toString();
  });
  const asked = async (pem: string): Promise<number> => {
    const headers = { 'ssl-client-cert': encodeURIComponent(pem), 'ssl-client-verify': 'SUCCESS' };
    return (await service.call('GET', '/v1/verify?caller=door', { token: null, headers })).status;
  };
  assert.deepEqual([await asked(good.pem), await asked(revoked.pem)], [200, 403]);
  if (skipUnless(t, 'openssl')) return;
  const verify = (pem: string): string =>
    openssl(['verify', '-crl_check', '-CAfile', 'ca', '-CRLfile', 'crl', 'leaf'], {
      ca: caPem,
      crl: crlPem,
      leaf: pem,
    });
  assert.equal(verify(good.pem), 'leaf: OK\n');
  assert.throws(() => verify(revoked.pem), /certificate revoked/);
});

test('what the readers make of odd certificates is what OpenSSL made of them: recorded, and no fault of ours', async (t) => {
  const { certificate, privateKey } = smithAndSons(Date.now());
  const authority: Authority = {
    ...{ name: 'internal-ca', certificate, chain: [] },
    signer: createSoftwareSigner(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
  };
  const bench = await importBench(t, authority);
  const proof = createProofOfPossessionService({
    certificates: bench.certificates,
    revocation: { revoke: () => assert.fail('it was not proven') },
  });
  for (const [name, parts] of Object.entries(oddLeaves)) {
    if (name.startsWith('issuer')) continue;
    const { der } = leafOf(authority, privateKey, Date.now(), parts);
    const { problems } = await bench.importCertificates(encodePem('CERTIFICATE', der));
    const [problem] = problems;
    const serial = problem === undefined ? serialOf(der) : undefined;
    if (serial === undefined) continue;
    const wrong = { serial, reason: 'unspecified', signature: Buffer.alloc(70, 1) } as const;
    const code = ['proof-invalid', 'certificate-not-found'];
    await assert.rejects(
      proof.revoke(wrong),
      (error: { code?: string }) => code.includes(error.code ?? ''),
      name,
    );
  }
});

function serialOf(der: Buffer): string | undefined {
  try {
    return readCertificate(der).serial;
  } catch {
    return undefined;
  }
}
