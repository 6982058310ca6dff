import { Fault } from '../fault.ts';
import type { KubernetesApi, KubernetesObject, ObjectReference } from '../kubernetes/client.ts';
import type { Content, Wanted, WatchedPlace } from './content.ts';
import type { CopyReader } from './read-copy.ts';

export type CopyKind = 'Secret' | 'ConfigMap';

export type ObjectsClient = Pick<
  KubernetesApi,
  'getSecret' | 'getConfigMap' | 'clusterTrustBundlesServed' | 'getClusterTrustBundle'
>;

/** What the list of a round told of a copy. */
export interface CopyNews {
  readonly wanted: Wanted;
  /** Of the object, as listed now; undefined when there was none; an error when they could not be listed. */
  readonly resourceVersion: string | undefined | Error;
}

/** A Secret or a ConfigMap. */
export interface ObjectPlace extends WatchedPlace {
  readonly object: ObjectReference;
  /** For the next look; without news that one reads the object itself. */
  note(news: CopyNews): void;
}

export interface ObjectPlaceOptions {
  readonly api: ObjectsClient;
  readonly id: string;
  readonly kind: CopyKind;
  readonly namespace: string;
  readonly name: string;
  readonly graceSeconds: number;
  readonly reader: CopyReader;
  /** Whether there has to be one, as far as is known now; else one that is gone is no loss. */
  isMissed(): boolean;
}

/**
 * A copy in a namespace, read through the API. While its resourceVersion is the one that was read it is the same object to the
 * last octet, and up to 1 MiB need not be read again.
 */
export function objectPlace(o: ObjectPlaceOptions, first: CopyNews): ObjectPlace {
  const { id, kind, namespace, name, graceSeconds } = o;
  let news: CopyNews = first;
  let isFresh = true;
  let held: { readonly resourceVersion: string | undefined; readonly content: Content } | undefined;

  async function look(): Promise<Content> {
    const { resourceVersion: listed } = news;
    const asListed = isFresh;
    isFresh = false;
    if (asListed && listed instanceof Error) throw listed;
    if (asListed && listed === undefined) return absent();
    if (asListed && held !== undefined && held.resourceVersion === listed) return held.content;
    const read = await readObject();
    if (read === undefined) return absent();
    const content = await o.reader.read(read);
    held = { resourceVersion: read.resourceVersion, content };
    return content;
  }

  function absent(): Content {
    held = undefined;
    return o.isMissed() ? { kind: 'missing', detail: `there is no ${kind}` } : { kind: 'gone' };
  }

  async function readObject() {
    if (kind === 'Secret') {
      const secret = await o.api.getSecret(namespace, name);
      return secret && { ...versionOf(secret), ...textsOf(secret.data, 'base64') };
    }
    const configMap = await o.api.getConfigMap(namespace, name);
    return configMap && { ...versionOf(configMap), ...textsOf(configMap.data, 'utf8') };
  }

  return {
    id,
    graceSeconds,
    object: { apiVersion: 'v1', kind, namespace, name },
    note(next) {
      news = next;
      isFresh = true;
    },
    wanted: () => news.wanted,
    look,
    doubt() {
      held = undefined;
    },
  };
}

/** The ClusterTrustBundle: small, and read each time. */
export function trustBundlePlace(
  o: Pick<ObjectPlaceOptions, 'api' | 'id' | 'name' | 'graceSeconds' | 'reader'>,
): WatchedPlace {
  return {
    id: o.id,
    graceSeconds: o.graceSeconds,
    wanted: () => ({ crlsOf: [], mayHaveCrls: false }),
    async look() {
      if (!(await o.api.clusterTrustBundlesServed())) return { kind: 'gone' };
      const bundle = await o.api.getClusterTrustBundle(o.name);
      if (bundle === undefined) return { kind: 'missing', detail: 'there is no ClusterTrustBundle' };
      return o.reader.read({ ...textsOf({ 'ca.crt': bundle.spec?.trustBundle ?? '' }, 'utf8') });
    },
    doubt: () => undefined,
  };
}

function versionOf({ metadata }: KubernetesObject): { readonly resourceVersion: string | undefined } {
  return { resourceVersion: metadata.resourceVersion };
}

function textsOf(data: Readonly<Record<string, string>> | undefined, encoding: BufferEncoding) {
  const text = (key: string) => {
    const value = data?.[key];
    return value === undefined ? undefined : Buffer.from(value, encoding);
  };
  return { caCrt: text('ca.crt'), caCrl: text('ca.crl') };
}

/** What went wrong, as an error to be thrown later. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Fault('internal', String(error));
}
