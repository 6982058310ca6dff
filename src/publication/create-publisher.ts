import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { BackOffSettings } from '../kubernetes/client.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CrlForm } from '../store/publications.ts';
import type { KeeperTimes } from './cluster-keeper.ts';
import { type ClusterPublicationOptions, createClusterPublication } from './cluster-publication.ts';
import { pemsIn, sizeIn } from './copy-content.ts';
import { alwaysFull, type CopyForms } from './copy-forms.ts';
import { createFileKeeper } from './file-keeper.ts';
import type { Publisher } from './publisher.ts';
import { secretLimitBytes } from './secret-manifest.ts';
import type { TrustMaterial } from './trust-material.ts';

export interface PublisherOptions {
  /** The name of the Secret in every namespace, and of the manifest among the files. */
  readonly secretName: string;
  /** Absent when the service runs without Kubernetes. */
  readonly cluster?: ClusterPublicationOptions;
  /** No files when absent. */
  readonly files?: FileOptions;
  /** Default: in full. */
  readonly forms?: CopyForms;
  readonly clock: Clock;
  readonly metrics?: PublicationMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly times?: Partial<KeeperTimes>;
}

export interface FileOptions {
  /** Where `ca.crt`, `ca.crl` and the manifest go. */
  readonly directory: string;
  /** Run by `/bin/sh -c` after the files changed. */
  readonly command?: string | undefined;
  /** Default: 30,000. */
  readonly commandTimeoutMs?: number;
}

type PublicationMetrics = Pick<
  Metrics,
  'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten'
>;

const retry: BackOffSettings = { initialMs: 1000, maxMs: 60_000 };
const defaultTimes: KeeperTimes = {
  retry,
  resyncMs: 600_000,
  repairDelayMs: 1000,
  wishesMs: 30_000,
  waitingMs: 15_000,
};

export function createPublisher(o: PublisherOptions): Publisher {
  const { secretName } = o;
  const times = { ...defaultTimes, ...o.times };
  let material: TrustMaterial | undefined;
  const forms = o.forms ?? alwaysFull;
  const common = { ...o, times, forms, material: () => material };
  const files =
    o.files &&
    createFileKeeper({ ...common, ...o.files, commandTimeoutMs: o.files.commandTimeoutMs ?? 30_000 });
  const cluster = o.cluster && createClusterPublication({ ...common, ...o.cluster, secretName });

  const unfollow = forms.onChange(() => cluster?.formsChanged());

  return {
    async publish(next) {
      await pemsIn(next, firstForm(next, files !== undefined));
      if (material === undefined || !isOlder(next, material)) material = next;
      await forms.weigh(material);
      await Promise.all([files?.bring(), cluster?.bringAll()]);
    },
    async ensureNamespace(namespace, reader) {
      if (cluster === undefined) throw new Fault('kubernetes-off', 'The service runs without Kubernetes');
      return cluster.ensureNamespace(namespace, reader);
    },
    removeUnwanted: async (namespace) => (await cluster?.removeUnwanted(namespace)) ?? [],
    status: async () => [...(files?.copies() ?? []), ...((await cluster?.copies()) ?? [])],
    recheck(target) {
      files?.recheck(target);
      cluster?.recheck(target);
    },
    leaderWork: {
      name: 'publication',
      start: async (term) => cluster?.lead(term),
      stop: async () => cluster?.rest(),
    },
    async close() {
      unfollow();
      await Promise.all([files?.close(), cluster?.rest()]);
    },
  };
}

/** What is looked through before anybody gets anything: the form that is sure to be needed. */
function firstForm(material: TrustMaterial, asFiles: boolean): CrlForm {
  const fits = (form: CrlForm) => sizeIn(material, form) <= secretLimitBytes;
  if (asFiles || fits('full')) return 'full';
  return material.crls.compact !== undefined && fits('compact') ? 'compact' : 'none';
}

/** A slower caller does not take us back: the CRL number of the same CAs only rises. */
function isOlder(next: TrustMaterial, present: TrustMaterial): boolean {
  return next.caFingerprints.join() === present.caFingerprints.join() && next.crlNumber < present.crlNumber;
}
