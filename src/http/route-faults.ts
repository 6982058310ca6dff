import { Fault, type FaultCode } from '../fault.ts';

/** What `POST /v1/certificates` refuses, besides what every route does. */
export const issueFaults: readonly FaultCode[] = [
  'request-invalid',
  'not-acceptable',
  'csr-malformed',
  'csr-too-large',
  'csr-signature-invalid',
  'csr-signature-unsupported',
  'key-type-unsupported',
  'key-weak',
  'key-malformed',
  'key-blocked',
  'subject-not-allowed',
  'subject-missing',
  'san-not-allowed',
  'san-malformed',
  'extension-not-allowed',
  'key-usage-not-allowed',
  'validity-not-allowed',
  'profile-unknown',
  'authority-not-found',
  'idempotency-key-reused',
  'key-unavailable',
];

/** What a route that talks to the cluster can answer. */
export const clusterFaults: readonly FaultCode[] = [
  'kubernetes-off',
  'kubernetes-unavailable',
  'kubernetes-forbidden',
];

/** Instead of any call about the cluster. */
export function kubernetesOff(): Fault {
  return new Fault('kubernetes-off', 'The service runs without Kubernetes (see the setting KUBERNETES).');
}
