import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap } from '../../../kubernetes/objects.ts';
import type { VerificationSettings } from '../../verification.ts';

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

/** With believed `X-Forwarded-Proto` a client can claim HTTPS on port 80, and no redirect comes (lua_ingress.lua). */
export function forwardedWarnings(
  config: ConfigMap | undefined,
  settings: VerificationSettings,
): FaultReason[] {
  if (config?.data?.['use-forwarded-headers'] !== 'true') return [];
  if (settings.mode !== 'on' || settings.matchCommonName !== undefined) return [];
  const detail =
    'The controller believes X-Forwarded-Proto (use-forwarded-headers): who reaches port 80 directly can skip the ' +
    'redirect and with it the check. matchCommonName "*" closes this.';
  return [{ code: 'forwarded-proto-believed', detail }];
}
