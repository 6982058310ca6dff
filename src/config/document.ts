import { formatDuration } from '../duration.ts';
import { fileVariable, fileYamlPath, type Setting, settings } from './catalogue.ts';

const preface = `# Configuration

<!-- Generated from src/config by \`npm run docs:configuration\`; a test fails when it is out of date. -->

Every key can be set as an environment variable, or in a YAML file that \`CONFIG_FILE\` names; the environment wins.
An empty variable counts as unset. A wrong value, an unknown key of the file, a misspelled variable and two keys that
contradict each other stop the start with one line that names the key.

- A **duration** is an ISO 8601 duration (\`P90D\`, \`PT10M\`) or a number of seconds. A year counts 365 days, a month 30.
- A **list** is a YAML sequence, or comma-separated in the environment.
- A **path** that is relative counts from the working directory.
- A **secret** can also come from a file: \`ADMIN_TOKEN_FILE=/run/secrets/admin-token\`, or \`adminTokenFile\` in YAML. A
  line end at the end of the file is not part of the secret. A secret is never shown in an error or a log.

\`\`\`yaml
# internal-ca.yaml, read with CONFIG_FILE=internal-ca.yaml
publicUrl: http://ca.example.com
databaseUrlFile: /run/secrets/database-url
authority:
  subject: CN=Example Internal CA,O=Example
  keyType: ec-p384
crl:
  validity: P7D
publication:
  namespaces: [shop, billing]
\`\`\`
`;

const titles: Readonly<Record<string, string>> = {
  '': 'The service',
  kubernetes: 'Kubernetes',
  leadership: 'Leadership',
  authority: 'The authority',
  crl: 'The CRL',
  distribution: 'For other relying parties',
  ocsp: 'OCSP',
  issuance: 'Issuance',
  publication: 'Publication',
  enforcement: 'Enforcement',
  'enforcement.probe': 'The probe',
  verification: 'Live verification',
  access: 'Access',
  tls: 'TLS',
  http: 'HTTP',
  log: 'Log',
};

/** The text of `docs/configuration.md`. */
export function configurationDocument(): string {
  const groups = Map.groupBy(settings, (setting) => setting.path.slice(0, -1).join('.'));
  const sections = [...groups].map(([group, members]) => section(titles[group] ?? group, members));
  return `${preface}\n${sections.join('\n')}`;
}

function section(title: string, members: readonly Setting[]): string {
  const rows = members.map((setting) =>
    [variables(setting), yamlKeys(setting), valueType(setting), fallback(setting), setting.description]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  );
  const head = '| variable | YAML | value | default | what it does |\n|---|---|---|---|---|';
  return `## ${title}\n\n${head}\n${rows.map((row) => `| ${row} |`).join('\n')}\n`;
}

function variables(setting: Setting): string {
  return setting.secret ? `\`${setting.env}\` or \`${fileVariable(setting)}\`` : `\`${setting.env}\``;
}

function yamlKeys(setting: Setting): string {
  return setting.secret
    ? `\`${setting.yamlPath}\` or \`${fileYamlPath(setting)}\``
    : `\`${setting.yamlPath}\``;
}

function valueType({ kind, secret, schema }: Setting): string {
  if (secret) return 'secret';
  if (kind === 'choice' && 'enum' in schema && Array.isArray(schema.enum)) {
    return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  }
  const { minimum, maximum } = bounds(schema);
  if (minimum === undefined || maximum === undefined) return kind;
  return kind === 'duration'
    ? `duration, ${formatDuration(minimum)} to ${formatDuration(maximum)}`
    : `${kind}, ${minimum} to ${maximum}`;
}

function bounds(schema: object): { minimum?: number; maximum?: number } {
  return {
    ...('minimum' in schema && typeof schema.minimum === 'number' ? { minimum: schema.minimum } : {}),
    ...('maximum' in schema && typeof schema.maximum === 'number' ? { maximum: schema.maximum } : {}),
  };
}

function fallback({ kind, defaultText, schema }: Setting): string {
  if (defaultText !== undefined) return defaultText;
  if (!('default' in schema)) return 'none';
  const value: unknown = schema.default;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `\`${value.join(',')}\``;
  return `\`${kind === 'duration' && typeof value === 'number' ? formatDuration(value) : String(value)}\``;
}
