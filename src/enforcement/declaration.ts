import { Fault, type FaultReason } from '../fault.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { type AllowRule, readAllowRules } from '../verification/allow-rule.ts';
import { type EnforcementSettings, isNamed } from './planning.ts';
import { isRevocationMode } from './revocation.ts';
import type { VerificationWish } from './verification.ts';

/** The annotation by which an Ingress asks for client verification by itself: `on` or `optional`. Never written by us. */
export const declarationAnnotation = 'internal-ca.io/client-verification';

interface Option {
  readonly name: string;
  /** Values come from whoever may write an Ingress, so they are held to what the API's schema allows. */
  readonly pattern: RegExp;
  readonly expected: string;
  /** What is wrong with a value, where a pattern cannot say it. */
  readonly problem?: (value: string) => string | undefined;
}

function option(name: string, pattern: RegExp, expected: string, problem?: Option['problem']): Option {
  const checked = { name: `${declarationAnnotation}-${name}`, pattern, expected };
  return problem === undefined ? checked : { ...checked, problem };
}

/** Its companions, one for each member of a wish. They mean nothing without it. */
export const declarationOptions = {
  authority: option('authority', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of an authority'),
  controller: option('controller', /^(auto|ingress-nginx)$/, 'auto or ingress-nginx'),
  passCertificate: option('pass-certificate', /^(true|false)$/, 'true or false'),
  errorPage: option(
    'error-page',
    /^[^\p{Cc}\p{Cs}]{1,512}$/u,
    'a URL, a path or @name, at most 512 characters',
  ),
  matchCommonName: option('match-common-name', /^[^\p{Cc}\p{Cs}]{1,64}$/u, 'at most 64 characters'),
  revocation: option('revocation', /^(crl|online|both)$/, 'crl, online or both'),
  allow: option(
    'allow',
    /^[^\p{Cs}]{1,16384}$/u,
    'a list of rules in JSON, at most 16384 characters',
    allowProblem,
  ),
} as const satisfies Record<string, Option>;

/** What an Ingress asks for by its annotations. */
export type Declaration =
  | { readonly kind: 'none' }
  | { readonly kind: 'wish'; readonly wish: VerificationWish }
  | { readonly kind: 'invalid'; readonly reasons: readonly FaultReason[] };

const known = new WeakMap<Ingress, Declaration>();

/** Reads the annotations; every fault at once. Once of each object, which never changes: it is asked for again and again. */
export function declarationOf(ingress: Ingress | undefined): Declaration {
  if (ingress === undefined) return { kind: 'none' };
  const declaration = known.get(ingress) ?? readDeclaration(ingress);
  known.set(ingress, declaration);
  return declaration;
}

function readDeclaration({ metadata }: Ingress): Declaration {
  const annotations: Readonly<Record<string, string | undefined>> = metadata.annotations ?? {};
  const mode = annotations[declarationAnnotation];
  if (mode === undefined) return { kind: 'none' };
  const reasons = [...modeReasons(mode), ...optionReasons(annotations), ...unknownNames(annotations)];
  if (reasons.length > 0) return { kind: 'invalid', reasons };
  return { kind: 'wish', wish: wishOf(mode === 'on' ? 'on' : 'optional', annotations) };
}

function mayDeclare(namespace: string, settings: EnforcementSettings): boolean {
  return isNamed(namespace, settings.declarativeNamespaces) && isNamed(namespace, settings.namespaces);
}

/** Why what an Ingress asks for by its annotations is not done; empty when it asks for nothing, or may have it. */
export function refusalOf(ingress: Ingress, settings: EnforcementSettings): readonly FaultReason[] {
  const declaration = declarationOf(ingress);
  if (declaration.kind === 'none') return [];
  const { namespace = '' } = ingress.metadata;
  if (!mayDeclare(namespace, settings)) {
    const detail = `The configuration does not let Ingresses of namespace ${namespace} ask by annotation (ENFORCEMENT_DECLARATIVE_NAMESPACES).`;
    return [{ code: 'declaration-not-allowed', detail }];
  }
  return declaration.kind === 'invalid' ? declaration.reasons : [];
}

/**
 * Whoever keeps the Ingress's manifest has decided; a call would be overruled by it at once.
 * @throws Fault conflict with the reason declared-by-annotation
 */
export function refuseDeclared(ingress: Ingress, settings: EnforcementSettings): void {
  const { namespace = '', name } = ingress.metadata;
  if (declarationOf(ingress).kind === 'none' || !mayDeclare(namespace, settings)) return;
  const detail = `Ingress ${namespace}/${name} asks for client verification by its annotation ${declarationAnnotation}: change it there.`;
  throw new Fault('conflict', detail, { reasons: [{ code: 'declared-by-annotation', detail }] });
}

function wishOf(
  mode: 'on' | 'optional',
  annotations: Readonly<Record<string, string | undefined>>,
): VerificationWish {
  const names = declarationOptions;
  const authority = annotations[names.authority.name];
  const controller = annotations[names.controller.name];
  const passCertificate = annotations[names.passCertificate.name];
  const errorPage = annotations[names.errorPage.name];
  const matchCommonName = annotations[names.matchCommonName.name];
  const revocation = annotations[names.revocation.name];
  const allow = annotations[names.allow.name];
  return {
    mode,
    ...(authority === undefined ? {} : { authority }),
    ...(controller === undefined ? {} : { controller }),
    ...(passCertificate === undefined ? {} : { passCertificate: passCertificate === 'true' }),
    ...(errorPage === undefined ? {} : { errorPage }),
    ...(matchCommonName === undefined ? {} : { matchCommonName }),
    ...(isRevocationMode(revocation) ? { revocation } : {}),
    ...(allow === undefined ? {} : { allow: rulesIn(allow) }),
  };
}

function modeReasons(mode: string): FaultReason[] {
  if (mode === 'on' || mode === 'optional') return [];
  return [invalid(declarationAnnotation, 'on or optional')];
}

function optionReasons(annotations: Readonly<Record<string, string | undefined>>): FaultReason[] {
  const options: readonly Option[] = Object.values(declarationOptions);
  return options.flatMap(({ name, pattern, expected, problem }) => {
    const value = annotations[name];
    if (value === undefined) return [];
    if (!pattern.test(value)) return [invalid(name, expected)];
    const wrong = problem?.(value);
    return wrong === undefined ? [] : [{ code: 'declaration-invalid', detail: `${name}: ${wrong}.` }];
  });
}

function allowProblem(text: string): string | undefined {
  try {
    rulesIn(text);
    return undefined;
  } catch (error) {
    return error instanceof Fault ? error.message : 'it is no JSON';
  }
}

/** @throws Fault request-invalid, SyntaxError */
function rulesIn(text: string): readonly AllowRule[] {
  return readAllowRules(JSON.parse(text), 'allow');
}

/** A misspelt option would otherwise be taken for one that was not given. */
function unknownNames(annotations: Readonly<Record<string, string | undefined>>): FaultReason[] {
  const known = Object.values(declarationOptions).map(({ name }) => name);
  return Object.keys(annotations)
    .filter((name) => name.startsWith(`${declarationAnnotation}-`) && !known.includes(name))
    .map((name) => ({ code: 'declaration-invalid', detail: `There is no annotation ${name}.` }));
}

function invalid(name: string, expected: string): FaultReason {
  return { code: 'declaration-invalid', detail: `${name} must be ${expected}.` };
}
