import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap } from '../../../kubernetes/objects.ts';
import type { VerificationSettings } from '../../verification.ts';
import { parseBool } from './annotations.ts';

const risks: readonly string[] = ['Low', 'Medium', 'High', 'Critical'];

/** The controller drops an Ingress with an annotation above its risk level, and its hosts with it. */
export function checkRiskLevel(config: ConfigMap | undefined, settings: VerificationSettings): FaultReason[] {
  const level = config?.data?.['annotations-risk-level'];
  const highRisk = settings.errorPage !== undefined || settings.matchCommonName !== undefined;
  const needed = highRisk ? 'High' : 'Medium';
  if (allowsRisk(config, needed)) return [];
  const what = highRisk ? 'auth-tls-error-page and auth-tls-match-cn need' : 'auth-tls-secret needs';
  return [
    {
      code: 'annotations-risk-level',
      detail: `The controller's annotations-risk-level is ${level}; ${what} ${needed}.`,
    },
  ];
}

/** Whether the controller takes an annotation of that risk; where its ConfigMap is not known, it does by default. */
export function allowsRisk(config: ConfigMap | undefined, needed: 'Medium' | 'High'): boolean {
  const level = config?.data?.['annotations-risk-level'];
  // An unknown word counts as Low there (parser.StringRiskToRisk).
  return level === undefined || Math.max(0, risks.indexOf(level)) >= risks.indexOf(needed);
}

/**
 * A boolean of the controller's ConfigMap, read as the controller reads it (mapstructure's weakly typed input, hence Go's
 * ParseBool: `"True"` and `"1"` are true as well). Undefined when it is absent or no boolean: the controller's default holds.
 */
export function booleanSetting(config: ConfigMap | undefined, name: string): boolean | undefined {
  return parseBool(config?.data?.[name]);
}

/**
 * With `use-proxy-protocol` the port in the PROXY header decides whether a request counts as HTTPS. A load balancer writes
 * that header, so only a client that goes round it, from inside the network, can claim port 443.
 */
export function proxyProtocolWarnings(
  config: ConfigMap | undefined,
  settings: VerificationSettings,
): FaultReason[] {
  if (booleanSetting(config, 'use-proxy-protocol') !== true) return [];
  if (settings.mode !== 'on' || settings.matchCommonName !== undefined) return [];
  const detail =
    "The controller's ConfigMap has use-proxy-protocol: a client that reaches the controller's port 80 without the load " +
    'balancer can claim HTTPS in a PROXY header of its own and skips the redirect. matchCommonName "*" closes port 80.';
  return [{ code: 'proxy-protocol-believed', detail }];
}
