import { formatDuration } from '../duration.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { resolveKubernetesMode } from './kubernetes-mode.ts';

/** The name under which the key at a path of `Config` was written, or would be: `crl.overlapSeconds` -> `CRL_OVERLAP`. */
type NameOf = (path: string) => string;

/** Throws `ConfigError` when two keys that are each valid cannot both be meant. */
export function refuseContradictions(config: Config, env: NodeJS.ProcessEnv, nameOf: NameOf): void {
  checkDatabase(config, nameOf);
  checkCrl(config, nameOf);
  checkOcsp(config, nameOf);
  checkDistribution(config, nameOf);
  checkWatchdog(config, nameOf);
  checkValidity(config, nameOf);
  checkImport(config.authority, nameOf);
  checkListeners(config, nameOf);
  checkKubernetes(config, env, nameOf);
  checkScope(config, nameOf);
  checkDeclarative(config, nameOf);
  checkBudget(config, nameOf);
  checkVerification(config, env, nameOf);
}

function checkDatabase({ databaseUrl }: Config, nameOf: NameOf): void {
  if (databaseUrl === undefined) return;
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  // The value is never shown: it holds a password.
  if (url === undefined || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new ConfigError(nameOf('databaseUrl'), 'must be a postgresql:// URL');
  }
}

function checkCrl({ crl, authority }: Config, nameOf: NameOf): void {
  const validity = `${nameOf('crl.validitySeconds')} (${formatDuration(crl.validitySeconds)})`;
  if (crl.overlapSeconds >= crl.validitySeconds) {
    throw new ConfigError(
      nameOf('crl.overlapSeconds'),
      `${formatDuration(crl.overlapSeconds)} is not shorter than ${validity}`,
    );
  }
  if (crl.backdateSeconds + crl.overlapSeconds >= crl.validitySeconds) {
    throw new ConfigError(
      nameOf('crl.backdateSeconds'),
      `${formatDuration(crl.backdateSeconds)} and ${nameOf('crl.overlapSeconds')} leave nothing of ${validity}`,
    );
  }
  if (crl.coalesceSeconds >= crl.overlapSeconds) {
    throw new ConfigError(
      nameOf('crl.coalesceSeconds'),
      `${formatDuration(crl.coalesceSeconds)} is not shorter than ${nameOf('crl.overlapSeconds')} (${formatDuration(crl.overlapSeconds)})`,
    );
  }
  if (authority.importCertificateFile === undefined && crl.validitySeconds > authority.validitySeconds) {
    throw new ConfigError(
      nameOf('crl.validitySeconds'),
      `is longer than ${nameOf('authority.validitySeconds')} (${formatDuration(authority.validitySeconds)})`,
    );
  }
}

function checkDistribution({ distribution, publicUrl }: Config, nameOf: NameOf): void {
  const { crlShards, ocspAia } = distribution;
  if (crlShards === 1 || (crlShards & (crlShards - 1)) !== 0) {
    throw new ConfigError(nameOf('distribution.crlShards'), 'is neither 0 nor a power of two from 2 to 256');
  }
  if (crlShards > 0 && publicUrl === undefined) {
    throw new ConfigError(nameOf('distribution.crlShards'), `needs ${nameOf('publicUrl')}`);
  }
  if (ocspAia === 'on' && publicUrl === undefined) {
    throw new ConfigError(nameOf('distribution.ocspAia'), `needs ${nameOf('publicUrl')}`);
  }
}

/** The addresses themselves are not shown: they may have a password or a token in them. */
function checkWatchdog({ watchdog }: Config, nameOf: NameOf): void {
  const shown = new Set<string>();
  for (const [at, text] of watchdog.urls.entries()) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hash !== '') {
      throw new ConfigError(
        nameOf('watchdog.urls'),
        `number ${at + 1} is not an absolute http or https URL without fragment`,
      );
    }
    const place = url.origin + url.pathname;
    if (shown.has(place)) throw new ConfigError(nameOf('watchdog.urls'), `number ${at + 1} is there twice`);
    shown.add(place);
  }
}

/** A certificate is renewed at half of its time, so that is what every answer signed with it has at least. */
function checkOcsp({ ocsp, distribution }: Config, nameOf: NameOf): void {
  if (distribution.ocspAia === 'on' && ocsp.mode === 'off') {
    throw new ConfigError(nameOf('distribution.ocspAia'), `needs ${nameOf('ocsp.mode')}=on`);
  }
  if (ocsp.validitySeconds * 2 <= ocsp.responderValiditySeconds) return;
  throw new ConfigError(
    nameOf('ocsp.validitySeconds'),
    `${formatDuration(ocsp.validitySeconds)} is longer than half of ${nameOf('ocsp.responderValiditySeconds')} (${formatDuration(ocsp.responderValiditySeconds)})`,
  );
}

function checkValidity({ authority, issuance }: Config, nameOf: NameOf): void {
  const ca = authority.validitySeconds;
  const caName = `${nameOf('authority.validitySeconds')} (${formatDuration(ca)})`;
  // An imported CA brings its own validity; the profiles are held against it when it is loaded.
  if (authority.importCertificateFile !== undefined) return;
  if (issuance.maxValiditySeconds !== undefined && issuance.maxValiditySeconds > ca) {
    throw new ConfigError(
      nameOf('issuance.maxValiditySeconds'),
      `${formatDuration(issuance.maxValiditySeconds)} is longer than ${caName}`,
    );
  }
  if (issuance.backdateSeconds >= ca) {
    throw new ConfigError(nameOf('issuance.backdateSeconds'), `is not shorter than ${caName}`);
  }
}

function checkImport(authority: Config['authority'], nameOf: NameOf): void {
  const { importCertificateFile, importKeyFile, importPassphraseFile } = authority;
  if (importCertificateFile !== undefined && importKeyFile === undefined) {
    throw new ConfigError(
      nameOf('authority.importCertificateFile'),
      `needs ${nameOf('authority.importKeyFile')}`,
    );
  }
  if (importKeyFile !== undefined && importCertificateFile === undefined) {
    throw new ConfigError(
      nameOf('authority.importKeyFile'),
      `needs ${nameOf('authority.importCertificateFile')}`,
    );
  }
  if (importPassphraseFile !== undefined && importKeyFile === undefined) {
    throw new ConfigError(
      nameOf('authority.importPassphraseFile'),
      `needs ${nameOf('authority.importKeyFile')}`,
    );
  }
}

function checkListeners({ tls, http, port }: Config, nameOf: NameOf): void {
  if (tls.certificateFile !== undefined && tls.keyFile === undefined) {
    throw new ConfigError(nameOf('tls.certificateFile'), `needs ${nameOf('tls.keyFile')}`);
  }
  if (tls.keyFile !== undefined && tls.certificateFile === undefined) {
    throw new ConfigError(nameOf('tls.keyFile'), `needs ${nameOf('tls.certificateFile')}`);
  }
  if (http.publicPort === port && port !== 0) {
    throw new ConfigError(nameOf('http.publicPort'), `is ${nameOf('port')}; it has to be another port`);
  }
}

function checkKubernetes(
  { kubernetes, authority, publication, access }: Config,
  env: NodeJS.ProcessEnv,
  nameOf: NameOf,
): void {
  const { mode, context } = kubernetes;
  if (mode === 'kubeconfig' && context === undefined) {
    throw new ConfigError(
      nameOf('kubernetes.context'),
      `is required with ${nameOf('kubernetes.mode')}=kubeconfig: the current context is never taken by accident`,
    );
  }
  if (mode !== 'kubeconfig' && context !== undefined) {
    throw new ConfigError(nameOf('kubernetes.context'), `needs ${nameOf('kubernetes.mode')}=kubeconfig`);
  }
  const off = resolveKubernetesMode(kubernetes, env) === 'off';
  if (off && authority.keyStore === 'secret') {
    throw new ConfigError(nameOf('authority.keyStore'), 'is secret, but the service runs without Kubernetes');
  }
  if (off && publication.namespaces.length > 0) {
    throw new ConfigError(
      nameOf('publication.namespaces'),
      'is set, but the service runs without Kubernetes',
    );
  }
  if (off && access.serviceAccountGrantsFile !== undefined) {
    throw new ConfigError(
      nameOf('access.serviceAccountGrantsFile'),
      'is set, but the service runs without Kubernetes, which alone can check the tokens',
    );
  }
  if (!off && publication.command !== undefined) {
    throw new ConfigError(
      nameOf('publication.command'),
      'is set, but with Kubernetes Secrets are published, not files',
    );
  }
  if (authority.keyStore === 'secret' && authority.keySecretName === publication.secretName) {
    // DESIGN rule: the key is never in the Secret that every ingress controller reads.
    throw new ConfigError(
      nameOf('authority.keySecretName'),
      `is the published Secret ${nameOf('publication.secretName')}: the key must never be in it`,
    );
  }
}

function checkScope({ kubernetes, publication }: Config, nameOf: NameOf): void {
  if (publication.namespaceSelector !== undefined && kubernetes.scope === 'namespaces') {
    throw new ConfigError(
      nameOf('publication.namespaceSelector'),
      `needs ${nameOf('kubernetes.scope')}=cluster: namespaces cannot be selected without seeing all of them`,
    );
  }
}

/** Who may not be changed cannot ask for it either: one of the two lists is a mistake. */
function checkDeclarative({ enforcement }: Config, nameOf: NameOf): void {
  const { namespaces, declarativeNamespaces } = enforcement;
  if (namespaces.includes('*')) return;
  const stray = declarativeNamespaces.find((name) => name !== '*' && !namespaces.includes(name));
  if (stray !== undefined) {
    throw new ConfigError(
      nameOf('enforcement.declarativeNamespaces'),
      `${stray} is not one of ${nameOf('enforcement.namespaces')}`,
    );
  }
}

function checkVerification(
  { verification, kubernetes }: Config,
  env: NodeJS.ProcessEnv,
  nameOf: NameOf,
): void {
  if (verification.url === undefined) {
    if (verification.networks.length === 0) return;
    throw new ConfigError(nameOf('verification.networks'), `needs ${nameOf('verification.url')}`);
  }
  if (resolveKubernetesMode(kubernetes, env) === 'off') {
    throw new ConfigError(nameOf('verification.url'), 'is set, but the service runs without Kubernetes');
  }
}

/** Only what was seen to refuse a revoked certificate online may do without a CRL. */
function checkBudget({ budget, verification, enforcement }: Config, nameOf: NameOf): void {
  if (budget.policy !== 'online') return;
  if (verification.url === undefined) {
    throw new ConfigError(nameOf('budget.policy'), `is online and needs ${nameOf('verification.url')}`);
  }
  if (enforcement.probe.mode === 'off') {
    throw new ConfigError(
      nameOf('budget.policy'),
      `is online and needs ${nameOf('enforcement.probe.mode')}=on`,
    );
  }
}
