import { Fault, type FaultReason } from '../fault.ts';
import type { Ingress, Secret } from '../kubernetes/objects.ts';
import { type CopyOwner, isOurCopy, whyForeign } from '../publication/copy-metadata.ts';
import { readAllowRules } from '../verification/allow-rule.ts';
import type { VerifyUrlFor } from '../verification/verify-url.ts';
import type { AdapterPlan, ControllerAdapter } from './adapter.ts';
import { withoutOurs } from './annotation-change.ts';
import type { Cluster } from './cluster.ts';
import { servedBy } from './ingress-class.ts';
import type { RevocationMode } from './revocation.ts';
import type { VerificationSettings, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** From the configuration. */
export interface EnforcementSettings {
  /** The Secret with `ca.crt` and `ca.crl` that is copied beside each Ingress. */
  readonly secretName: string;
  /** Whose copies are ours. */
  readonly copyOwner: CopyOwner;
  /** The controller when a wish names none; `auto` concludes it from the IngressClass. */
  readonly controller: 'ingress-nginx' | 'auto';
  /** Namespaces whose Ingresses may be changed; `*` means all. */
  readonly namespaces: readonly string[];
  /** Namespaces whose Ingresses may ask by their own annotation; `*` means all of `namespaces`. */
  readonly declarativeNamespaces: readonly string[];
  /** All that we may look at; every namespace when absent. */
  readonly visibleNamespaces?: readonly string[];
  /** `namespace/name` of the controller's ConfigMap, to find settings that weaken the check. */
  readonly controllerConfigMap?: string;
}

export interface Choice {
  readonly adapter: ControllerAdapter;
  /** Somebody said so; it was not concluded. */
  readonly named: boolean;
}

/**
 * The wish with its defaults.
 * @throws Fault request-invalid when a rule of `allow` is none
 */
export function settingsOf(wish: VerificationWish): VerificationSettings {
  return {
    mode: wish.mode ?? 'on',
    passCertificate: wish.passCertificate ?? true,
    ...(wish.errorPage === undefined ? {} : { errorPage: wish.errorPage }),
    ...(wish.matchCommonName === undefined ? {} : { matchCommonName: wish.matchCommonName }),
    revocation: wish.revocation ?? 'crl',
    ...(wish.allow === undefined ? {} : { allow: readAllowRules(wish.allow, 'allow') }),
  };
}

/** @throws Fault request-invalid when there is no such adapter */
export function chooseAdapter(
  adapters: readonly [ControllerAdapter, ...ControllerAdapter[]],
  wanted: string,
  ingress: Ingress,
  cluster: Cluster,
): Choice {
  if (wanted !== 'auto') {
    const adapter = adapters.find(({ name }) => name === wanted);
    if (adapter !== undefined) return { adapter, named: true };
    const names = adapters.map(({ name }) => name).join(', ');
    throw new Fault('request-invalid', `controller must be auto or one of: ${names}`, {
      field: 'controller',
    });
  }
  const served = servedBy(ingress, cluster.ingressClasses);
  const controller = served.kind === 'controller' ? served.controller : '';
  // Where none fits, the first one says why it does not.
  return { adapter: adapters.find((each) => each.serves(controller)) ?? adapters[0], named: false };
}

/** Runs the adapter over what is there without us. */
export function planFor(
  choice: Choice,
  live: Ingress,
  record: VerificationRecord | undefined,
  cluster: Cluster,
  wanted: {
    readonly settings: VerificationSettings;
    readonly revocation: RevocationMode;
    readonly verifyUrlFor: VerifyUrlFor | undefined;
    readonly intermediates: number;
    readonly secretName: string;
  },
): AdapterPlan {
  const { ingresses, ingressClasses, controllerConfig, warnings } = cluster;
  const plan = choice.adapter.plan({
    ingress: withoutOurs(live, record),
    ingresses,
    ...(ingressClasses === undefined ? {} : { ingressClasses }),
    ...(controllerConfig === undefined ? {} : { controllerConfig }),
    ...(record === undefined ? {} : { written: record.written }),
    controllerNamed: choice.named,
    ...wanted,
  });
  return { ...plan, warnings: [...warnings, ...plan.warnings] };
}

function mayChange(namespace: string, { namespaces, visibleNamespaces }: EnforcementSettings): boolean {
  return isNamed(namespace, namespaces) && (visibleNamespaces?.includes(namespace) ?? true);
}

/** @param names of namespaces; `*` means all of them */
export function isNamed(namespace: string, names: readonly string[]): boolean {
  return names.includes('*') || names.includes(namespace);
}

/** Reasons that have nothing to do with the controller. */
export function checkPlace(
  namespace: string,
  secret: Secret | undefined,
  settings: EnforcementSettings,
): FaultReason[] {
  const reasons: FaultReason[] = [];
  if (!mayChange(namespace, settings)) {
    const detail = `The configuration does not let us change Ingresses in namespace ${namespace}.`;
    reasons.push({ code: 'namespace-not-allowed', detail });
  }
  if (secret !== undefined && !isOurCopy(secret, settings.copyOwner)) {
    const why = whyForeign(secret);
    const detail = `The Secret ${namespace}/${settings.secretName} ${why}.`;
    reasons.push({ code: 'secret-taken', detail });
  }
  return reasons;
}
