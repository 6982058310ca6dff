import Type from 'typebox';
import { choice, duration, integer, list, path, text } from './setting.ts';

/** The keys that concern the cluster: what is looked at there, who leads, and what is written where. */

const minute = 60;
const day = 86_400;

/** RFC 1123 label: what the Kubernetes API accepts as the name of a namespace. */
const namespacePattern = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
const namespaceOrAllPattern = '^(\\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$';
/** RFC 1123 subdomain: the name of a Secret or a ConfigMap. */
export const subdomain = '[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?';

const group = { additionalProperties: false };

export const kubernetes = Type.Object(
  {
    mode: choice(
      'KUBERNETES',
      'Which cluster to serve. `auto`: the cluster this process runs in, when a service account is mounted, else none. `in-cluster`: the same, but refuse to start without one. `kubeconfig`: the context named by `KUBERNETES_CONTEXT`. `off`: none.',
      ['auto', 'in-cluster', 'kubeconfig', 'off'],
      'auto',
    ),
    kubeconfigFile: Type.Optional(
      path('KUBECONFIG', 'The kubeconfig file. Read only when `KUBERNETES` is `kubeconfig`.', {
        defaultText: '`~/.kube/config`',
      }),
    ),
    context: Type.Optional(
      text(
        'KUBERNETES_CONTEXT',
        'The context of the kubeconfig to use. Required when `KUBERNETES` is `kubeconfig`: the current context is never taken, so that a laptop cannot change the wrong cluster by accident.',
      ),
    ),
    scope: choice(
      'KUBERNETES_SCOPE',
      'What the service looks at. `cluster`: every namespace. `namespaces`: only its own and those named in `PUBLICATION_NAMESPACES` and `ENFORCEMENT_NAMESPACES`, so that it needs no right on any other; an Ingress elsewhere that shares a host is then not seen.',
      ['cluster', 'namespaces'],
      'cluster',
    ),
    namespace: Type.Optional(
      text('KUBERNETES_NAMESPACE', "The service's own namespace.", {
        pattern: namespacePattern,
        defaultText: "the service account's, or the context's",
      }),
    ),
  },
  group,
);

export const leadership = Type.Object(
  {
    leaseName: text(
      'LEADERSHIP_LEASE_NAME',
      "The Lease in the service's own namespace that elects the replica which builds CRLs, publishes and reconciles.",
      { default: 'internal-ca', pattern: `^${subdomain}$` },
    ),
    leaseDurationSeconds: duration(
      'LEADERSHIP_LEASE_DURATION',
      'A replica that has not renewed its leadership for this long may be replaced. It stops by itself after two thirds of it.',
      { default: 10, minimum: 3, maximum: 5 * minute },
    ),
  },
  group,
);

export const publication = Type.Object(
  {
    secretName: text('PUBLICATION_SECRET_NAME', 'The Secret with `ca.crt` and `ca.crl`.', {
      default: 'internal-ca',
      pattern: `^${subdomain}$`,
    }),
    namespaces: list(
      'PUBLICATION_NAMESPACES',
      'Namespaces that always get a copy, besides the own one and those of enforced Ingresses.',
      { default: [], pattern: namespacePattern },
    ),
    namespaceSelector: Type.Optional(
      text(
        'PUBLICATION_NAMESPACE_SELECTOR',
        'A label selector, as `kubectl -l` takes it: every namespace that it matches has a copy.',
      ),
    ),
    configMapName: Type.Optional(
      text(
        'PUBLICATION_CONFIGMAP_NAME',
        'Also a ConfigMap of this name with `ca.crt`, wherever a Secret goes: for the Gateway API and for workloads.',
        { pattern: `^${subdomain}$`, defaultText: 'none' },
      ),
    ),
    clusterTrustBundleName: Type.Optional(
      text(
        'PUBLICATION_CLUSTER_TRUST_BUNDLE_NAME',
        'Also a ClusterTrustBundle of this name with the CA certificates, where the cluster has that kind.',
        { pattern: `^${subdomain}$`, defaultText: 'none' },
      ),
    ),
    command: Type.Optional(
      text(
        'PUBLICATION_COMMAND',
        'A shell command to run after the files in `DATA_DIR/published` have changed, such as `nginx -s reload`.',
      ),
    ),
  },
  group,
);

export const enforcement = Type.Object(
  {
    controller: choice(
      'ENFORCEMENT_CONTROLLER',
      'The ingress controller when a request names none. `auto` concludes it from the IngressClass, and refuses where another controller may claim the same class.',
      ['auto', 'ingress-nginx'],
      'auto',
    ),
    namespaces: list(
      'ENFORCEMENT_NAMESPACES',
      'Namespaces whose Ingresses may be changed; `*` means all of them.',
      { default: ['*'], pattern: namespaceOrAllPattern },
    ),
    controllerConfigMap: Type.Optional(
      text(
        'ENFORCEMENT_CONTROLLER_CONFIGMAP',
        "The ingress controller's ConfigMap as `namespace/name`, read to find settings that would weaken the check.",
        {
          pattern: `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/${subdomain}$`,
          defaultText: 'not read',
        },
      ),
    ),
    declarativeNamespaces: list(
      'ENFORCEMENT_DECLARATIVE_NAMESPACES',
      'Namespaces whose Ingresses may ask for client verification by their own annotation; `*` means all of `ENFORCEMENT_NAMESPACES`.',
      { default: [], pattern: namespaceOrAllPattern },
    ),
    probe: Type.Object(
      {
        mode: choice(
          'ENFORCEMENT_PROBE',
          'Whether the door of each enforced host is tried from outside after enforcing and from time to time. A probe that is asked for is always made.',
          ['on', 'off'],
          'on',
        ),
        address: Type.Optional(
          text(
            'ENFORCEMENT_PROBE_ADDRESS',
            "The ingress controller's Service as a host name or an IP address, such as `ingress-nginx-controller.ingress-nginx.svc`.",
            {
              pattern: '^([0-9A-Za-z]([-0-9A-Za-z.]{0,251}[0-9A-Za-z])?|[0-9A-Fa-f:]{2,45})$',
              defaultText: "the address in the Ingress's status",
            },
          ),
        ),
        httpsPort: integer('ENFORCEMENT_PROBE_HTTPS_PORT', 'The port for TLS at that address.', {
          default: 443,
          minimum: 1,
          maximum: 65_535,
        }),
        httpPort: integer('ENFORCEMENT_PROBE_HTTP_PORT', 'The port for plain HTTP at that address.', {
          default: 80,
          minimum: 1,
          maximum: 65_535,
        }),
        intervalSeconds: duration('ENFORCEMENT_PROBE_INTERVAL', 'Each door is tried again after this time.', {
          default: 15 * minute,
          minimum: 10,
          maximum: 7 * day,
        }),
        timeoutSeconds: duration('ENFORCEMENT_PROBE_TIMEOUT', 'A connection is given up after this time.', {
          default: 5,
          minimum: 1,
          maximum: minute,
        }),
      },
      group,
    ),
  },
  group,
);
