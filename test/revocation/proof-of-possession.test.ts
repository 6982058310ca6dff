import assert from 'node:assert/strict';
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  provableReasons,
  provesPossession,
  revocationStatement,
} from '../../src/revocation/proof-of-possession.ts';
import { atOnce, createProofOfPossessionService } from '../../src/revocation/proof-of-possession-service.ts';
import type { RevokeRequest } from '../../src/revocation/revocation-service.ts';
import type { StoredCertificate } from '../../src/store/certificates.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCertificationRequest } from '../../src/x509/certification-request.ts';
import { readSubjectPublicKeyInfo } from '../../src/x509/public-key.ts';
import { certificateRecord } from '../store/records.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';
import { makeCsr } from '../support/csr.ts';

const fingerprint = 'ab'.repeat(32);
const keys: Readonly<Record<string, KeyObject>> = {
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'RSA 4096': generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  Ed25519: generateKeyPairSync('ed25519').privateKey,
};

function certificateOf(key: KeyObject) {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { publicKey: readSubjectPublicKeyInfo(der), fingerprint };
}

function digestOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function signText(key: KeyObject, text: string): Buffer {
  return sign(digestOf(key), Buffer.from(text), key);
}

test('the statement is these octets', () => {
  assert.equal(
    revocationStatement('00ff', 'keyCompromise'),
    'internal-ca revocation request 1\ncertificate-sha256: 00ff\nreason: keyCompromise\n',
  );
});

for (const [name, key] of Object.entries(keys)) {
  test(`${name}: a signature over the statement proves it, for its reason and its certificate alone`, async () => {
    const certificate = certificateOf(key);
    for (const reason of provableReasons) {
      const signature = signText(key, revocationStatement(fingerprint, reason));
      for (const other of provableReasons)
        assert.equal(await provesPossession(certificate, other, signature), other === reason, other);
      const stranger = { ...certificate, fingerprint: 'ac'.repeat(32) };
      assert.equal(await provesPossession(stranger, reason, signature), false);
    }
  });

  test(`${name}: no other key, and no text but this one to the last octet`, async () => {
    const reason = 'superseded';
    const statement = revocationStatement(fingerprint, reason);
    for (const [otherName, other] of Object.entries(keys)) {
      const proven = await provesPossession(certificateOf(key), reason, signText(other, statement));
      assert.equal(proven, other === key, otherName);
    }
    const texts = [
      statement.trimEnd(),
      `${statement}\n`,
      statement.replaceAll('\n', '\r\n'),
      statement.toUpperCase(),
      ` ${statement}`,
      '',
    ];
    for (const text of texts)
      assert.equal(await provesPossession(certificateOf(key), reason, signText(key, text)), false);
  });

  test(`${name}: junk for a signature is no proof, and no error`, async () => {
    const good = signText(key, revocationStatement(fingerprint, 'unspecified'));
    const flipped = Buffer.from(good);
    flipped[good.length >> 1] = (flipped[good.length >> 1] ?? 0) ^ 1;
    const junk = [
      Buffer.alloc(0),
      Buffer.alloc(good.length),
      Buffer.alloc(good.length, 0xff),
      good.subarray(1),
      Buffer.concat([good, Buffer.alloc(1)]),
      Buffer.alloc(1_024, 1),
      flipped,
    ];
    for (const signature of junk)
      assert.equal(await provesPossession(certificateOf(key), 'unspecified', signature), false);
  });
}

test('other paddings, hashes and forms of a signature are refused', async () => {
  const statement = Buffer.from(revocationStatement(fingerprint, 'unspecified'));
  const [rsa, ec] = [keys['RSA 2048'], keys['P-256']];
  assert.ok(rsa !== undefined && ec !== undefined);
  const pss = sign('sha256', statement, { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING });
  assert.equal(await provesPossession(certificateOf(rsa), 'unspecified', pss), false);
  const sha512 = sign('sha512', statement, rsa);
  assert.equal(await provesPossession(certificateOf(rsa), 'unspecified', sha512), false);
  const raw = sign('sha256', statement, { key: ec, dsaEncoding: 'ieee-p1363' });
  assert.equal(await provesPossession(certificateOf(ec), 'unspecified', raw), false);
});

test('the signatures of a CSR and of a certificate are never taken for a proof', async () => {
  const { der, privateKey } = await makeCsr();
  const csr = readCertificationRequest(der);
  const authority = await makeAuthority(createTestClock().now());
  const own = readCertificate(authority.certificate.der);
  for (const reason of provableReasons) {
    assert.equal(await provesPossession(certificateOf(privateKey), reason, csr.signature), false);
    // Self-signed, so its signature is by its own key.
    assert.equal(await provesPossession({ ...own, fingerprint }, reason, own.signature), false);
  }
  // Whatever it certifies or asks for, it begins with the octet of a SEQUENCE.
  for (const signed of [csr, own]) assert.equal(signed.tbs[0], 0x30);
  assert.notEqual(Buffer.from(revocationStatement(fingerprint, 'unspecified'))[0], 0x30);
});

interface Bench {
  readonly service: ReturnType<typeof createProofOfPossessionService>;
  readonly revoked: RevokeRequest[];
  readonly serial: string;
  /** Of the right length, by another key. */
  readonly signature: Buffer;
  /** Lets the look-ups go on that wait. */
  open(): void;
}

async function serviceBench(gated = false): Promise<Bench> {
  const { der } = (await makeAuthority(createTestClock().now())).certificate;
  const key = keys['P-256'];
  assert.ok(key !== undefined);
  const record: StoredCertificate = certificateRecord({ der });
  const revoked: RevokeRequest[] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const service = createProofOfPossessionService({
    certificates: {
      async findBySerial(serial) {
        if (gated) await gate;
        return serial === record.serial ? record : undefined;
      },
    },
    revocation: {
      async revoke(request) {
        revoked.push(request);
        return { serial: request.serial, reason: 'unspecified', revokedAt: new Date(0), revoked: 1 };
      },
    },
  });
  return { service, revoked, serial: record.serial, signature: signText(key, 'x'), open };
}

test('what is no proof is refused, and revokes nothing', async () => {
  const { service, revoked, serial, signature } = await serviceBench();
  const request = { serial, reason: 'keyCompromise', signature } as const;
  await assert.rejects(service.revoke(request), { code: 'proof-invalid', field: '/signature' });
  await assert.rejects(service.revoke({ ...request, serial: '00ff' }), { code: 'certificate-not-found' });
  assert.deepEqual(revoked, []);
});

test('only so many proofs are looked at at a time; the next one is told to come again', async () => {
  const { service, serial, signature, open } = await serviceBench(true);
  const request = { serial, reason: 'unspecified', signature } as const;
  const busy = Array.from({ length: atOnce }, () => service.revoke(request));
  await assert.rejects(service.revoke(request), { code: 'too-many-requests', retryAfterSeconds: 1 });
  open();
  for (const each of busy) await assert.rejects(each, { code: 'proof-invalid' });
  await assert.rejects(service.revoke(request), { code: 'proof-invalid' });
});
