import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authority } from '../../../src/authority/authority.ts';
import { chainPem } from '../../../src/authority/chain-pem.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { encodePem } from '../../../src/encoding/pem.ts';
import { ingressNginx } from '../../../src/enforcement/adapters/ingress-nginx.ts';
import { createProbeIdentities } from '../../../src/enforcement/probe/identities.ts';
import type { DetailedProbeReport } from '../../../src/enforcement/probe/probe-report.ts';
import { type ProbeSettings, tryDoor } from '../../../src/enforcement/probe/try-door.ts';
import type { VerificationSettings } from '../../../src/enforcement/verification.ts';
import type { VerificationRecord } from '../../../src/enforcement/verification-records.ts';
import type { Ingress, Secret } from '../../../src/kubernetes/objects.ts';
import type { VerifyUrlFor } from '../../../src/verification/verify-url.ts';
import { assembleCrl, encodeTbsCertList } from '../../../src/x509/crl.ts';
import { subjectKeyIdentifier } from '../../../src/x509/public-key.ts';
import { makeAuthority } from '../../support/authority.ts';
import type { TestScope } from '../../support/database.ts';
import { startEchoUpstream } from '../../support/nginx/echo-upstream.ts';
import { type Nginx, startNginx } from '../../support/nginx/nginx.ts';
import type { RenderInput } from '../../support/nginx/render.ts';
import { type IngressOptions, ingress, plan, verifyUrlFor } from '../fixtures.ts';
import { probeIdentityParts } from './identity-parts.ts';

export const recordUpdatedAt = new Date('2026-11-23T12:00:00Z');

/** A record of that Ingress, as it is after enforcing. */
export function recordOf(
  { metadata: { namespace = '', name, uid = '' } }: Ingress,
  hosts: readonly string[],
  settings: Partial<VerificationSettings> = {},
): VerificationRecord {
  return {
    namespace,
    name,
    uid,
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    state: 'applied',
    settings: { mode: 'on', passCertificate: true, revocation: 'crl', ...settings },
    hosts,
    revocationEnforced: true,
    revocation: {
      effective: settings.revocation ?? 'crl',
      wholeHost: (settings.revocation ?? 'crl') !== 'crl',
    },
    written: {},
    before: {},
    origin: 'api',
    trouble: [],
    requester: 'token:a',
    createdAt: recordUpdatedAt,
    updatedAt: recordUpdatedAt,
  };
}

/** The Ingress with what the adapter writes on it for these settings. */
export function enforced(
  settings: Partial<VerificationSettings>,
  options: IngressOptions = {},
  urlFor: VerifyUrlFor = verifyUrlFor,
): Ingress {
  const target = ingress(options);
  const { metadata } = target;
  const written = plan(target, { settings, verifyUrlFor: urlFor }).annotations;
  const annotations = { ...metadata.annotations, ...written };
  return { ...target, metadata: { ...metadata, annotations } };
}

export interface TryOptions {
  readonly hosts?: readonly string[];
  readonly clock?: Clock;
  readonly settings?: Partial<ProbeSettings>;
  /** Leave the address to the Ingress's status. */
  readonly addressOfStatus?: boolean;
  /** The Ingress was deleted. */
  readonly gone?: boolean;
  readonly authority?: string;
}

/** A real nginx as the controller's door, and a CA of ours in memory. */
export interface DoorBench {
  readonly nginx: Nginx;
  readonly authority: Authority;
  /** Serials that the probe has revoked, on no CRL. */
  readonly revoked: ReadonlySet<string>;
  /** `app/internal-ca`; by default with a CRL that is good for a day. */
  secret(change?: { crl?: string; caCrt?: string }): Promise<Secret>;
  /** Makes nginx serve these, by default with the Secret. */
  serve(
    ingresses: readonly Ingress[],
    secrets?: readonly Secret[],
    more?: Partial<RenderInput>,
  ): Promise<void>;
  /** Tries the door of the Ingress as if that was wished. */
  probe(
    target: Ingress,
    wish: Partial<VerificationSettings>,
    options?: TryOptions,
  ): Promise<DetailedProbeReport>;
}

const hour = 3_600_000;

export async function startDoorBench(t: TestScope): Promise<DoorBench> {
  const authority = await makeAuthority(Date.now());
  const revoked = new Set<string>();
  const identityParts = await probeIdentityParts([authority], { revoked });
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-door-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const serverCertificate = {
    certificateFile: join(directory, 'server.crt'),
    keyFile: join(directory, 'server.key'),
  };
  // Any certificate: the probe does not look at the door's own.
  const { unknown } = await createProbeIdentities(identityParts).of(authority.name);
  await writeFile(serverCertificate.certificateFile, unknown.certificate);
  await writeFile(serverCertificate.keyFile, unknown.key);
  const upstream = await startEchoUpstream();
  t.after(() => upstream.stop());
  const input = (
    ingresses: readonly Ingress[],
    secrets: readonly Secret[],
    more: Partial<RenderInput> = {},
  ): RenderInput => {
    return { ingresses, secrets, serverCertificate, upstream: upstream.url, ...more };
  };
  const nginx = await startNginx(input([], []));
  t.after(() => nginx.stop());

  async function secret(change: { crl?: string; caCrt?: string } = {}): Promise<Secret> {
    const encode = (text: string) => Buffer.from(text).toString('base64');
    const current = await crlOf(authority, -1, 24);
    return {
      metadata: { name: 'internal-ca', namespace: 'app' },
      type: 'Opaque',
      data: {
        'ca.crt': encode(change.caCrt ?? chainPem(authority)),
        'ca.crl': encode(change.crl ?? current),
      },
    };
  }

  return {
    nginx,
    authority,
    revoked,
    secret,
    async serve(ingresses, secrets, more) {
      await nginx.update(input(ingresses, secrets ?? [await secret()], more));
    },
    probe(target, wish, options = {}) {
      const { hosts = ['a.example'], clock = systemClock, settings = {} } = options;
      const gone = options.gone === true;
      return tryDoor(
        {
          kubernetes: { getIngress: async () => (gone ? undefined : target) },
          identities: createProbeIdentities(identityParts),
          adapters: [ingressNginx],
          clock,
          settings: {
            ...(options.addressOfStatus === true ? {} : { address: '127.0.0.1' }),
            httpsPort: nginx.httpsPort,
            httpPort: nginx.httpPort,
            timeoutSeconds: 10,
            ...settings,
          },
        },
        { ...recordOf(target, hosts, wish), authority: options.authority ?? authority.name },
        new AbortController().signal,
      );
    },
  };
}

/** An empty CRL; the hours are counted from now. */
export async function crlOf(
  { signer, certificate }: Authority,
  thisUpdateHours: number,
  nextUpdateHours: number,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const tbs = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm.der,
    issuer: certificate.subject.der,
    thisUpdate: new Date(now + thisUpdateHours * hour),
    nextUpdate: new Date(now + nextUpdateHours * hour),
    authorityKeyId: certificate.subjectKeyId ?? subjectKeyIdentifier(certificate.publicKey),
    crlNumber: 1n,
    entries: [],
  });
  const signature = await signer.sign(Buffer.concat(tbs));
  return encodePem('X509 CRL', assembleCrl(tbs, signer.algorithm.der, signature));
}
