import type { AdapterInput, AdapterPlan } from '../../src/enforcement/adapter.ts';
import { ingressNginx } from '../../src/enforcement/adapters/ingress-nginx.ts';
import type { VerificationSettings } from '../../src/enforcement/verification.ts';
import type {
  ConfigMap,
  Ingress,
  IngressClass,
  IngressSpec,
  ObjectMeta,
} from '../../src/kubernetes/objects.ts';
import type { VerifyUrlFor } from '../../src/verification/verify-url.ts';

export const prefix = 'nginx.ingress.kubernetes.io/';

export interface IngressOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly hosts?: readonly string[];
  /** Default: `hosts`. */
  readonly tlsHosts?: readonly string[];
  readonly paths?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<IngressSpec>;
}

/** An ordinary Ingress; annotations are given without the prefix. */
export function ingress(options: IngressOptions = {}): Ingress {
  const { name = 'web', namespace = 'app', hosts = ['a.example'], paths = ['/'] } = options;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: '2026-01-02T00:00:00Z',
      annotations: prefixed(options.annotations ?? {}),
      ...options.metadata,
    },
    spec: {
      ingressClassName: 'nginx',
      rules: hosts.map((host) => ({
        host,
        http: {
          paths: paths.map((path) => ({
            path,
            pathType: 'Prefix' as const,
            backend: { service: { name: 'web', port: { number: 80 } } },
          })),
        },
      })),
      tls: [{ hosts: options.tlsHosts ?? hosts, secretName: 'public-tls' }],
      ...options.spec,
    },
  };
}

export function prefixed(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [prefix + name, value]));
}

export function ingressClass(name: string, controller: string): IngressClass {
  return { metadata: { name }, spec: { controller } };
}

export const nginxClass = ingressClass('nginx', 'k8s.io/ingress-nginx');

export function configMap(data: Readonly<Record<string, string>>): ConfigMap {
  return { metadata: { name: 'ingress-nginx-controller', namespace: 'ingress-nginx' }, data };
}

export interface PlanOptions {
  readonly others?: readonly Ingress[];
  readonly classes?: readonly IngressClass[];
  readonly config?: Readonly<Record<string, string>>;
  readonly named?: boolean;
  readonly intermediates?: number;
  readonly settings?: Partial<VerificationSettings>;
  /** Null: there is none. Default: `verifyUrlFor`. */
  readonly verifyUrlFor?: VerifyUrlFor | null;
}

/** Where the controller asks, unless a test says otherwise. */
export const verifyUrlFor: VerifyUrlFor = (namespace, name) =>
  `http://ca.internal-ca.svc.cluster.local:8080/v1/verify?ingress=${namespace}/${name}&key=k-${namespace}-${name}`;

/** What the adapter says of an Ingress; the controller is named unless said otherwise. */
export function plan(target: Ingress, options: PlanOptions = {}): AdapterPlan {
  const input: AdapterInput = {
    ingress: target,
    ingresses: [target, ...(options.others ?? [])],
    ingressClasses: options.classes ?? [nginxClass],
    ...(options.config === undefined ? {} : { controllerConfig: configMap(options.config) }),
    controllerNamed: options.named ?? true,
    settings: { mode: 'on', passCertificate: true, revocation: 'crl', ...options.settings },
    revocation: options.settings?.revocation ?? 'crl',
    verifyUrlFor: options.verifyUrlFor === null ? undefined : (options.verifyUrlFor ?? verifyUrlFor),
    intermediates: options.intermediates ?? 0,
    secretName: 'internal-ca',
  };
  return ingressNginx.plan(input);
}

export function codes(findings: readonly { readonly code: string }[]): string[] {
  return findings.map(({ code }) => code);
}
