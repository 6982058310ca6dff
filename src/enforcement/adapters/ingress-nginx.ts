import type { FaultReason } from '../../fault.ts';
import type { AdapterInput, AdapterPlan, ControllerAdapter } from '../adapter.ts';
import type { VerificationSettings } from '../verification.ts';
import { annotationNames, annotationsFor } from './ingress-nginx/annotations.ts';
import { checkController, servesController } from './ingress-nginx/controller.ts';
import { checkRiskLevel, proxyProtocolWarnings } from './ingress-nginx/controller-config.ts';
import { checkErrorPage } from './ingress-nginx/error-page.ts';
import { checkHosts, hostsOf } from './ingress-nginx/hosts.ts';
import { atMostOfEach, maxHosts, quoted } from './ingress-nginx/limits.ts';
import { checkCommonName } from './ingress-nginx/match-common-name.ts';
import {
  checkPolicies,
  type Neighbour,
  neighboursOf,
  neighbourWarnings,
} from './ingress-nginx/neighbours.ts';
import { checkOnline, onlineAnnotations } from './ingress-nginx/online.ts';
import { aliasesBelow, checkOtherListeners } from './ingress-nginx/other-listeners.ts';
import { checkBypass, checkOwnAnnotations, ownWarnings } from './ingress-nginx/own-annotations.ts';
import { acmeWarnings, checkPlainHttp } from './ingress-nginx/plain-http.ts';
import { refusal } from './ingress-nginx/refusal.ts';

/**
 * kubernetes/ingress-nginx 1.12 to 1.15 and its forks: `auth-tls-*` annotations and a Secret with `ca.crt` and `ca.crl`
 * in the Ingress's namespace. The facts behind each check are those of its release 1.15.1.
 */
export const ingressNginx: ControllerAdapter = {
  name: 'ingress-nginx',
  serves: servesController,
  plan,
  refusal,
};

function plan(input: AdapterInput): AdapterPlan {
  const { ingress, settings } = input;
  const annotations = {
    ...annotationsFor(ingress.metadata.namespace ?? '', input.secretName, input.intermediates, settings),
    ...onlineAnnotations(input),
  };
  const hosts = hostsOf(ingress);
  if (hosts.length > maxHosts) return tooMany(input, annotations);
  const neighbours = neighboursOf(input);
  const controller = checkController(input);
  const wish = checkWish(settings, hosts);
  const online = checkOnline(input, neighbours);
  return {
    hosts,
    annotations,
    reasons: atMostOfEach([
      ...wish.reasons,
      ...controller.reasons,
      ...checkHosts(ingress).filter((reason) => settings.mode !== 'off' || reason.code !== 'tls-missing'),
      ...checkOwnAnnotations(ingress),
      ...checkRiskLevel(input.controllerConfig, settings),
      ...checkPolicies(neighbours, annotations),
      ...waysRound(input, neighbours),
      ...online.reasons,
    ]),
    warnings: atMostOfEach([
      ...controller.warnings,
      ...wish.warnings,
      ...neighbourWarnings(input, neighbours),
      ...aliasesBelow(input),
      ...(settings.mode === 'off' ? [] : verificationWarnings(input)),
      ...online.warnings,
    ]),
    onlineReasons: online.reasons,
    revocationEnforced: settings.mode !== 'off',
    wholeHost: online.wholeHost,
  };
}

/** Nothing else is looked at then: what it costs would grow with all that has one of the hosts. */
function tooMany(
  { ingress, settings }: AdapterInput,
  annotations: Readonly<Record<string, string>>,
): AdapterPlan {
  return {
    hosts: hostsOf(ingress),
    annotations,
    reasons: checkHosts(ingress),
    onlineReasons: [],
    warnings: [],
    revocationEnforced: settings.mode !== 'off',
    wholeHost: false,
  };
}

/** Settings that are wrong in themselves, or that contradict each other. */
function checkWish(settings: VerificationSettings, hosts: readonly string[]) {
  const reasons: FaultReason[] = [];
  const warnings: FaultReason[] = [];
  if (settings.matchCommonName !== undefined) {
    const wrong = checkCommonName(settings.matchCommonName);
    if (wrong !== undefined) reasons.push(wrong);
    if (settings.mode !== 'on') {
      const detail = 'matchCommonName refuses whoever has no certificate, so it goes with mode "on" only.';
      reasons.push({ code: 'match-common-name-needs-on', detail });
    } else {
      const detail =
        'Plain HTTP is answered with 403 instead of a redirect, ACME challenges (HTTP-01) included.';
      warnings.push({ code: 'match-common-name-closes-http', detail });
    }
  }
  if (settings.errorPage !== undefined && settings.mode !== 'off') {
    const page = checkErrorPage(settings.errorPage, hosts);
    reasons.push(...page.reasons);
    warnings.push(...page.warnings);
  }
  return { reasons, warnings };
}

/** Only mode `on` promises that nobody gets past; in `optional` a client without a certificate is welcome anyway. */
function waysRound(input: AdapterInput, neighbours: readonly Neighbour[]) {
  const { ingress, settings, controllerConfig } = input;
  if (settings.mode === 'off') return [];
  const bypasses = [...checkBypass(ingress, neighbours, controllerConfig), ...checkOtherListeners(input)];
  // The match is made on port 80, too, where the subject is empty: 403 for everybody.
  const portEightyIsClosed = settings.mode !== 'on' || settings.matchCommonName !== undefined;
  return portEightyIsClosed
    ? bypasses
    : [...bypasses, ...checkPlainHttp(ingress, neighbours, controllerConfig)];
}

function verificationWarnings({ ingress, settings, controllerConfig }: AdapterInput): FaultReason[] {
  return [
    ...ownWarnings(ingress, controllerConfig),
    ...acmeWarnings(ingress, controllerConfig),
    ...proxyProtocolWarnings(controllerConfig, settings),
    ...inheritedWarnings(ingress.metadata.annotations ?? {}, settings),
  ];
}

/** Settings of somebody else that we leave alone and that go on having an effect. */
function inheritedWarnings(
  annotations: Readonly<Record<string, string>>,
  settings: VerificationSettings,
): FaultReason[] {
  const inherited: [string, string | undefined][] = [
    [annotationNames.errorPage, settings.errorPage],
    [annotationNames.matchCommonName, settings.matchCommonName],
  ];
  return inherited
    .filter(([name, wanted]) => wanted === undefined && annotations[name] !== undefined)
    .map(([name]) => ({
      code: 'annotation-inherited',
      detail: `${name}: ${quoted(annotations[name] ?? '')} stays in force.`,
    }));
}
