import Type from 'typebox';
import { budget } from './budget-schema.ts';
import { enforcement, kubernetes, leadership, publication, subdomain } from './cluster-schema.ts';
import { distribution } from './distribution-schema.ts';
import { ocsp } from './ocsp-schema.ts';
import { choice, duration, integer, list, path, text, url } from './setting.ts';
import { verification } from './verification-schema.ts';
import { watchdog } from './watchdog-schema.ts';

const minute = 60;
const hour = 3_600;
const day = 86_400;
const year = 365 * day;

const group = { additionalProperties: false };

const authority = Type.Object(
  {
    name: text('CA_NAME', 'The name of the authority, in paths such as `/crl/{name}.crl`.', {
      default: 'internal-ca',
      pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
    }),
    subject: text('CA_SUBJECT', 'The subject of a newly created CA, as RFC 4514 writes names.', {
      default: 'CN=internal-ca',
    }),
    keyType: choice(
      'CA_KEY_TYPE',
      'The key of a newly created CA.',
      ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'],
      'ec-p256',
    ),
    validitySeconds: duration('CA_VALIDITY', 'How long a newly created CA is valid.', {
      default: 10 * year,
      minimum: hour,
      maximum: 100 * year,
    }),
    importCertificateFile: Type.Optional(
      path(
        'CA_IMPORT_CERTIFICATE_FILE',
        'Bring your own CA: its self-signed certificate in PEM. Imported at the first start; later it must be the same.',
      ),
    ),
    importKeyFile: Type.Optional(
      path('CA_IMPORT_KEY_FILE', 'The private key of that CA: PEM, PKCS#8, PKCS#1 or SEC 1.'),
    ),
    importPassphraseFile: Type.Optional(
      path('CA_IMPORT_PASSPHRASE_FILE', 'A file with the passphrase of `CA_IMPORT_KEY_FILE`.'),
    ),
    importIndexFile: Type.Optional(
      path(
        'CA_IMPORT_INDEX_FILE',
        "OpenSSL's `index.txt` of that CA. It and the next two are imported before the first CRL is published, and again when they have changed.",
      ),
    ),
    importCrlFile: Type.Optional(
      path('CA_IMPORT_CRL_FILE', 'The last CRL of that CA, PEM or DER: what it lists stays revoked.'),
    ),
    importCertificates: Type.Optional(
      path(
        'CA_IMPORT_CERTIFICATES',
        'The certificates of that CA: a directory such as `newcerts`, or a file, PEM.',
      ),
    ),
    keyStore: choice(
      'CA_KEY_STORE',
      "Where the CA's private key is kept. `file`: under `DATA_DIR`, readable by its owner only. `secret`: in a Secret of the service's own namespace.",
      ['file', 'secret'],
      'file',
    ),
    keySecretName: text('CA_KEY_SECRET_NAME', 'The Secret of `CA_KEY_STORE=secret`.', {
      default: 'internal-ca-key',
      pattern: `^${subdomain}$`,
    }),
    keyPassphraseFile: Type.Optional(
      path(
        'CA_KEY_PASSPHRASE_FILE',
        'A file with the passphrase that encrypts the stored key. Without it the key is stored unencrypted.',
      ),
    ),
  },
  group,
);

const crl = Type.Object(
  {
    validitySeconds: duration('CRL_VALIDITY', 'From thisUpdate to nextUpdate of a CRL.', {
      default: 7 * day,
      minimum: 5,
      maximum: year,
    }),
    overlapSeconds: duration(
      'CRL_OVERLAP',
      'A CRL is signed anew this long before its nextUpdate. An outage shorter than this is not noticed by any client.',
      { minimum: 1, maximum: year, defaultText: 'half of `CRL_VALIDITY`' },
    ),
    backdateSeconds: duration(
      'CRL_BACKDATE',
      'thisUpdate lies this far in the past, for clients whose clock is behind.',
      { minimum: 0, maximum: day, defaultText: '`PT10M`, or a tenth of `CRL_VALIDITY` if that is less' },
    ),
    coalesceSeconds: duration(
      'CRL_COALESCE',
      'Revocations within this time share one CRL. A key compromise does not wait.',
      { default: 2, minimum: 0, maximum: 10 * minute },
    ),
    clockToleranceSeconds: duration(
      'CRL_CLOCK_TOLERANCE',
      'No CRL is signed while the clock here and that of the database are further apart: with a wrong one, every client would be refused. The last good CRL stays.',
      { default: 5 * minute, minimum: 1, maximum: 100 * year },
    ),
    delta: choice(
      'CRL_DELTA',
      'Whether to make a delta CRL with each CRL, for relying parties that ask for it. Where `PUBLIC_URL` is set too, CRLs and new certificates say where it is.',
      ['on', 'off'],
      'off',
    ),
  },
  group,
);

const issuance = Type.Object(
  {
    backdateSeconds: duration(
      'ISSUANCE_BACKDATE',
      'notBefore lies this far in the past, for servers whose clock is behind.',
      { default: minute, minimum: 0, maximum: day },
    ),
    maxValiditySeconds: Type.Optional(
      duration('ISSUANCE_MAX_VALIDITY', 'No certificate is valid longer, whatever its profile says.', {
        minimum: minute,
        maximum: 100 * year,
        defaultText: "each profile's own",
      }),
    ),
    retentionSeconds: Type.Optional(
      duration(
        'ISSUANCE_RETENTION',
        'The record of a certificate is deleted this long after the certificate has expired. Keys reported as compromised stay blocked.',
        { minimum: day, maximum: 100 * year, defaultText: 'records are kept for ever' },
      ),
    ),
    profilesFile: Type.Optional(
      path(
        'PROFILES_FILE',
        'A YAML file with profiles, added to the built-in `client`, `device` and `server`.',
      ),
    ),
  },
  group,
);

const access = Type.Object(
  {
    serviceAccountGrantsFile: Type.Optional(
      path(
        'ACCESS_SERVICE_ACCOUNT_GRANTS_FILE',
        'A YAML file that gives roles to Kubernetes service accounts; without it their tokens are not accepted.',
      ),
    ),
    tokenAudience: text(
      'ACCESS_TOKEN_AUDIENCE',
      'The audience that a service account token must have been made for.',
      { default: 'internal-ca' },
    ),
  },
  group,
);

const tls = Type.Object(
  {
    certificateFile: Type.Optional(
      path(
        'TLS_CERTIFICATE_FILE',
        'Serve TLS on `PORT` with this certificate, PEM, its chain behind it. Read again when it changes, as cert-manager and the kubelet do it: no restart is needed.',
        { defaultText: 'plain HTTP' },
      ),
    ),
    keyFile: Type.Optional(path('TLS_KEY_FILE', 'The private key of that certificate, PEM, unencrypted.')),
  },
  group,
);

const http = Type.Object(
  {
    publicPort: Type.Optional(
      integer(
        'HTTP_PUBLIC_PORT',
        'Another port, always plain HTTP, with nothing but the public files (`/ca`, `/crl`), OCSP (`/ocsp`), `/livez` and `/readyz`: relying parties fetch CRLs without TLS. 0 lets the system choose one.',
        { minimum: 0, maximum: 65_535, defaultText: 'none' },
      ),
    ),
    bodyLimitBytes: integer('HTTP_BODY_LIMIT', 'Largest accepted request body, in bytes.', {
      default: 65_536,
      minimum: 36_864,
      maximum: 1_048_576,
    }),
    importBodyLimitBytes: integer(
      'IMPORT_BODY_LIMIT',
      'The same for what is imported, which is not kept whole.',
      {
        default: 256 * 1_048_576,
        minimum: 65_536,
        maximum: 1_073_741_824,
      },
    ),
    requestTimeoutSeconds: duration(
      'HTTP_REQUEST_TIMEOUT',
      'A request must have arrived within this time; of an import, each next piece.',
      {
        default: 15,
        minimum: 1,
        maximum: 5 * minute,
      },
    ),
    keepAliveTimeoutSeconds: duration('HTTP_KEEP_ALIVE_TIMEOUT', 'An idle connection is kept this long.', {
      default: 75,
      minimum: 1,
      maximum: hour,
    }),
    drainDelaySeconds: duration(
      'HTTP_DRAIN_DELAY',
      'After SIGTERM the service is not ready but still answers for this long, while load balancers take notice.',
      { default: 0, minimum: 0, maximum: 5 * minute },
    ),
    drainTimeoutSeconds: duration(
      'HTTP_DRAIN_TIMEOUT',
      'Requests in flight get this long to finish after that.',
      {
        default: 20,
        minimum: 1,
        maximum: 10 * minute,
      },
    ),
    trustedProxies: list(
      'HTTP_TRUSTED_PROXIES',
      'Addresses or CIDR ranges of proxies whose `X-Forwarded-*` headers are believed.',
      { default: [], pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$' },
    ),
  },
  group,
);

/** Everything that can be configured, with where it comes from, its default and what it is for. */
export const configSchema = Type.Object(
  {
    host: text('HOST', 'The address to listen on. The container image sets `0.0.0.0`.', {
      default: '127.0.0.1',
    }),
    port: integer('PORT', 'The port to listen on; 0 lets the system choose one.', {
      default: 8080,
      minimum: 0,
      maximum: 65_535,
    }),
    dataDirectory: path('DATA_DIR', 'Where the service keeps its files; created if absent.', {
      default: './data',
    }),
    databaseUrl: Type.Optional(
      text(
        'DATABASE_URL',
        'A PostgreSQL database, 15 or newer, `postgresql://user:password@host:5432/name`.',
        {
          secret: true,
          defaultText: 'a PostgreSQL of its own under `DATA_DIR`',
        },
      ),
    ),
    databasePoolSize: integer(
      'DATABASE_POOL_SIZE',
      'Most connections to the database for requests. Four more are for leading, for notices between replicas and for reading revocations.',
      {
        default: 10,
        minimum: 3,
        maximum: 200,
      },
    ),
    databaseStatementTimeoutSeconds: duration(
      'DATABASE_STATEMENT_TIMEOUT',
      'The database gives up on a request-path statement after this time.',
      { default: 10, minimum: 1, maximum: hour },
    ),
    databaseConnectTimeoutSeconds: duration(
      'DATABASE_CONNECT_TIMEOUT',
      'A connection to the database must be open within this time.',
      { default: 5, minimum: 1, maximum: 5 * minute },
    ),
    publicUrl: Type.Optional(
      url(
        'PUBLIC_URL',
        'Where relying parties reach this service, such as `http://ca.example.com`. When set, certificates carry the addresses of the CRL and of the CA certificate. Plain http is usual here: what is fetched is signed, and fetching it over TLS could need itself.',
      ),
    ),
    adminToken: Type.Optional(
      text('ADMIN_TOKEN', 'The token of the first administrator, at least 32 characters.', {
        secret: true,
        minLength: 32,
        defaultText: 'made at the first start and written to `DATA_DIR/admin-token`',
      }),
    ),
    kubernetes,
    leadership,
    authority,
    budget,
    crl,
    distribution,
    ocsp,
    issuance,
    publication,
    enforcement,
    verification,
    watchdog,
    access,
    tls,
    http,
    log: Type.Object(
      {
        level: choice(
          'LOG_LEVEL',
          'Least severity that is logged.',
          ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
          'info',
        ),
      },
      group,
    ),
  },
  group,
);
