import { isObject, type JsonObject, objectAt, sameJson, stringAt } from './json.ts';
import { invalid, type Named } from './status.ts';

/** A kind that the stand-in serves. */
export interface ResourceType extends Named {
  readonly version: string;
  readonly namespaced: boolean;
  /** Sets what the real API server would set by itself. */
  readonly applyDefaults?: (object: JsonObject) => void;
  readonly validate?: (type: ResourceType, object: JsonObject, previous: JsonObject | undefined) => void;
}

const maxSecretBytes = 1024 * 1024;
const maxAnnotationBytes = 256 * 1024;

export const resourceTypes: readonly ResourceType[] = [
  {
    group: '',
    version: 'v1',
    plural: 'namespaces',
    kind: 'Namespace',
    namespaced: false,
    applyDefaults: (o) => {
      o.status ??= { phase: 'Active' };
    },
  },
  {
    group: '',
    version: 'v1',
    plural: 'secrets',
    kind: 'Secret',
    namespaced: true,
    applyDefaults: (o) => {
      o.type ??= 'Opaque';
    },
    validate: validateSecret,
  },
  {
    group: '',
    version: 'v1',
    plural: 'configmaps',
    kind: 'ConfigMap',
    namespaced: true,
    validate: validateSize,
  },
  { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    plural: 'ingresses',
    kind: 'Ingress',
    namespaced: true,
    applyDefaults: (o) => {
      o.status ??= { loadBalancer: {} };
    },
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    plural: 'ingressclasses',
    kind: 'IngressClass',
    namespaced: false,
  },
  { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true },
];

export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

export function typeOfKind(apiVersion: string, kind: string): ResourceType {
  const type = resourceTypes.find((t) => apiVersionOf(t) === apiVersion && t.kind === kind);
  if (type === undefined) throw new Error(`the stand-in does not serve ${apiVersion} ${kind}`);
  return type;
}

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Names, annotations, and what the kind demands. Throws 422 as the real one. */
export function validateObject(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const limit = type.plural === 'namespaces' ? 63 : 253;
  const pattern = type.plural === 'namespaces' ? dnsLabel : dnsSubdomain;
  if (name.length > limit || !pattern.test(name)) {
    throw invalid(
      type,
      name,
      'metadata.name',
      `Invalid value: ${JSON.stringify(name)}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
    );
  }
  const annotations = Object.entries(objectAt(object, 'metadata', 'annotations'));
  const bytes = annotations.reduce((sum, [k, v]) => sum + k.length + Buffer.byteLength(String(v)), 0);
  if (bytes > maxAnnotationBytes) {
    throw invalid(
      type,
      name,
      'metadata.annotations',
      `Too long: may not be more than ${maxAnnotationBytes} bytes`,
    );
  }
  type.validate?.(type, object, previous);
}

function validateSecret(type: ResourceType, object: JsonObject, previous: JsonObject | undefined): void {
  validateSize(type, object, previous);
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (previous !== undefined && previous.type !== object.type) {
    throw invalid(type, name, 'type', `Invalid value: ${JSON.stringify(object.type)}: field is immutable`);
  }
  if (previous?.immutable === true && !sameJson(previous.data, object.data)) {
    throw invalid(type, name, 'data', 'Forbidden: field is immutable when `immutable` is set');
  }
}

function validateSize(type: ResourceType, object: JsonObject, _previous: JsonObject | undefined): void {
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
        `Invalid value: ${JSON.stringify(key)}: a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
      );
    }
    const encoding = type.plural === 'secrets' ? 'base64' : 'utf8';
    bytes += Buffer.byteLength(String(value), encoding);
  }
  if (bytes > maxSecretBytes) {
    throw invalid(type, name, 'data', `Too long: may not be more than ${maxSecretBytes} bytes`);
  }
}
