import { X509Certificate } from 'node:crypto';
import { isObject, type JsonObject, objectAt, sameJson, stringAt, valueAt } from './json.ts';
import type { ResourceType } from './resources.ts';
import { badRequest, invalid } from './status.ts';

/** What the real API server refuses of each kind, as far as a client of ours could send it. */

const maxDataBytes = 1024 * 1024;
const maxAnnotationBytes = 256 * 1024;

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(?=.{0,63}$)(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
/** A path segment: ClusterTrustBundles have colons in their names. */
const pathSegment = /^(?!\.{1,2}$)[^/%]+$/;

export function validateMetadata(type: ResourceType, object: JsonObject): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (name === '') {
    throw invalid(type, name, 'metadata.name', 'Required value: name or generateName is required');
  }
  const limit = type.plural === 'namespaces' ? 63 : 253;
  const patterns: Readonly<Record<string, RegExp>> = {
    namespaces: dnsLabel,
    clustertrustbundles: pathSegment,
  };
  if (name.length > limit || !(patterns[type.plural] ?? dnsSubdomain).test(name)) {
    throw invalid(type, name, 'metadata.name', notASubdomain(name));
  }
  const labels = Object.entries(objectAt(object, 'metadata', 'labels'));
  const annotations = Object.entries(objectAt(object, 'metadata', 'annotations'));
  for (const [key, value] of labels) {
    requireQualifiedName(type, name, 'metadata.labels', key);
    if (!labelValue.test(String(value))) {
      const why = `Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`;
      throw invalid(type, name, 'metadata.labels', why);
    }
  }
  for (const [key] of annotations)
    requireQualifiedName(type, name, 'metadata.annotations', key.toLowerCase());
  const bytes = annotations.reduce((sum, [k, v]) => sum + k.length + Buffer.byteLength(String(v)), 0);
  if (bytes > maxAnnotationBytes) {
    throw invalid(type, name, 'metadata.annotations', tooLong(maxAnnotationBytes));
  }
}

function requireQualifiedName(type: ResourceType, name: string, field: string, key: string): void {
  const [last = '', ...prefixes] = key.split('/').reverse();
  const [prefix, ...more] = prefixes;
  const good =
    last.length <= 63 &&
    namePart.test(last) &&
    more.length === 0 &&
    (prefix === undefined || (prefix.length <= 253 && dnsSubdomain.test(prefix)));
  if (good) return;
  const why = `Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
  throw invalid(type, name, field, why);
}

const notASubdomain = (value: string) =>
  `Invalid value: ${JSON.stringify(value)}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;

const tooLong = (bytes: number) => `Too long: may not be more than ${bytes} bytes`;

export function validateSecret(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  validateData(type, object, 'base64', 'data');
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (previous !== undefined && previous.type !== object.type) {
    throw invalid(type, name, 'type', `Invalid value: ${JSON.stringify(object.type)}: field is immutable`);
  }
  validateImmutable(type, object, previous);
}

export function validateConfigMap(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  // The real one names the whole object, as an empty path.
  validateData(type, object, 'utf8', '[]');
  validateImmutable(type, object, previous);
}

function validateImmutable(type: ResourceType, object: JsonObject, previous: JsonObject | undefined): void {
  if (previous?.immutable === true && !sameJson(previous.data, object.data)) {
    const name = stringAt(object, 'metadata', 'name') ?? '';
    throw invalid(type, name, 'data', 'Forbidden: field is immutable when `immutable` is set');
  }
}

function validateData(
  type: ResourceType,
  object: JsonObject,
  encoding: 'base64' | 'utf8',
  field: string,
): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const data = object.data;
  if (data === undefined) return;
  if (!isObject(data)) throw invalid(type, name, 'data', 'Invalid value');
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key)) {
      throw invalid(
        type,
        name,
        `data[${key}]`,
        `Invalid value: ${JSON.stringify(key)}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      );
    }
    bytes += Buffer.byteLength(readValue(type, value, encoding), encoding);
  }
  if (bytes > maxDataBytes) throw invalid(type, name, field, tooLong(maxDataBytes));
}

function readValue({ kind }: ResourceType, value: unknown, encoding: 'base64' | 'utf8'): string {
  const refused = `${kind} in version "v1" cannot be handled as a ${kind}`;
  if (typeof value !== 'string') {
    throw badRequest(
      `${refused}: json: cannot unmarshal ${typeof value} into Go struct field ${kind}.data of type string`,
    );
  }
  if (encoding === 'base64' && !base64.test(value)) {
    throw badRequest(`${refused}: illegal base64 data at input byte 0`);
  }
  return value;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function validateIngress(type: ResourceType, object: JsonObject): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const { rules, defaultBackend } = objectAt(object, 'spec');
  const list: unknown[] = Array.isArray(rules) ? rules : [];
  if (list.length === 0 && defaultBackend === undefined) {
    const why = 'Invalid value: null: either `defaultBackend` or `rules` must be specified';
    throw invalid(type, name, 'spec', why);
  }
  for (const [index, rule] of list.entries()) {
    const host = stringAt(rule, 'host') ?? '';
    const field = `spec.rules[${index}]`;
    if (host !== '' && !dnsSubdomain.test(host.replace(/^\*\./, ''))) {
      throw invalid(type, name, `${field}.host`, notASubdomain(host));
    }
    const http = valueAt(rule, ['http']);
    const paths = valueAt(http, ['paths']);
    if (http !== undefined && (!Array.isArray(paths) || paths.length === 0)) {
      throw invalid(type, name, `${field}.http.paths`, 'Required value');
    }
  }
}

/** An Event lies beside its object. */
export function validateEvent(type: ResourceType, object: JsonObject): void {
  const about = stringAt(object, 'involvedObject', 'namespace') ?? '';
  if (about === stringAt(object, 'metadata', 'namespace')) return;
  const why = `Invalid value: ${JSON.stringify(about)}: does not match event.namespace`;
  throw invalid(type, stringAt(object, 'metadata', 'name') ?? '', 'involvedObject.namespace', why);
}

const microTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$/;

export function validateLease(type: ResourceType, object: JsonObject): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const spec = objectAt(object, 'spec');
  for (const time of [spec.acquireTime, spec.renewTime]) {
    if (time === undefined || time === null || (typeof time === 'string' && microTime.test(time))) continue;
    throw badRequest(
      `Lease in version "v1" cannot be handled as a Lease: parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`,
    );
  }
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
  if (typeof duration === 'number' && duration <= 0) {
    throw invalid(
      type,
      name,
      'spec.leaseDurationSeconds',
      `Invalid value: ${duration}: must be greater than 0`,
    );
  }
  if (typeof transitions === 'number' && transitions < 0) {
    const why = `Invalid value: ${transitions}: must be greater than or equal to 0`;
    throw invalid(type, name, 'spec.leaseTransitions', why);
  }
}

export function validateTrustBundle(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const signer = stringAt(object, 'spec', 'signerName') ?? '';
  const refuse = (field: string, value: string, why: string) => {
    throw invalid(type, name, field, `Invalid value: "${value}": ${why}`);
  };
  const prefix = `${signer.replace('/', ':')}:`;
  if (signer === '' && name.includes(':')) {
    refuse('metadata.name', name, 'ClusterTrustBundle without signer name must not have ":" in its name');
  }
  if (signer !== '' && !name.startsWith(prefix)) {
    refuse(
      'metadata.name',
      name,
      `ClusterTrustBundle for signerName ${signer} must be named with prefix ${prefix}`,
    );
  }
  if (previous !== undefined && (stringAt(previous, 'spec', 'signerName') ?? '') !== signer) {
    refuse('spec.signerName', signer, 'field is immutable');
  }
  const why = anchorFault(stringAt(object, 'spec', 'trustBundle') ?? '');
  if (why !== undefined) refuse('spec.trustBundle', '<value omitted>', why);
}

function anchorFault(bundle: string): string | undefined {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return 'at least one trust anchor must be provided';
  const seen = new Map<string, number>();
  for (const [index, block] of blocks.entries()) {
    const certificate = readCertificate(block);
    if (certificate === undefined) return `entry ${index} does not parse as X.509`;
    if (!certificate.ca) return `entry ${index} does not have the CA bit set`;
    const same = seen.get(certificate.fingerprint256);
    if (same !== undefined) return `duplicate trust anchor (indices [${same} ${index}])`;
    seen.set(certificate.fingerprint256, index);
  }
  return undefined;
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
