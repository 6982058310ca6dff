import Type from 'typebox';
import { duration, list, path, url } from './setting.ts';

const day = 86_400;

/** The keys of live verification: an answer about a client's certificate as of now, at the door. */
export const verification = Type.Object(
  {
    url: Type.Optional(
      url(
        'VERIFY_URL',
        'Where ingress controllers reach this service inside the cluster, such as `http://internal-ca.pki.svc.cluster.local:8080` (the full name: nginx knows no search domains). When set, Ingresses can be moved to live verification; the path `/v1/verify` is added.',
      ),
    ),
    networks: list(
      'VERIFY_NETWORKS',
      "Addresses or CIDR ranges that may ask about an Ingress's clients, by the address of the connection itself: those of the ingress controller's pods. Empty: whoever knows the key in the Ingress's annotation.",
      { default: [], pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$' },
    ),
    callersFile: Type.Optional(
      path(
        'VERIFY_CALLERS_FILE',
        'A YAML file with [further callers](live-verification.md) of `/v1/verify`, such as Traefik or an nginx of your own: who they are, and in which header they send the certificate.',
        { defaultText: 'only enforced Ingresses' },
      ),
    ),
    maxStalenessSeconds: Type.Optional(
      duration(
        'VERIFY_MAX_STALENESS',
        'Live verification answers from memory while the database is away, for this long; then it refuses everybody (503).',
        { minimum: 1, maximum: 365 * day, defaultText: '`CRL_OVERLAP`' },
      ),
    ),
  },
  { additionalProperties: false },
);
