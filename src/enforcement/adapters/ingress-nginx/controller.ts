import type { FaultReason } from '../../../fault.ts';
import type { IngressClass } from '../../../kubernetes/objects.ts';
import type { AdapterInput } from '../../adapter.ts';
import { type ServedBy, servedBy } from '../../ingress-class.ts';

/** Claimed by ingress-nginx and its forks, and also by Traefik's migration provider, which reads no CRL. */
const sharedController = 'k8s.io/ingress-nginx';

/** AKS application routing: this one, and `<this>/<name>` for each NginxIngressController that is made there. */
const applicationRouting = 'webapprouting.kubernetes.azure.com/nginx';

/** The value of the old class annotation that ingress-nginx accepts without an IngressClass. */
const annotationClass = 'nginx';

/** Other controllers' strings. What is in neither list may be ingress-nginx with `--controller-class`. */
const otherControllers =
  /^(traefik\.io|nginx\.org|haproxy-ingress\.github\.io|haproxy\.org|projectcontour\.io|istio\.io|cilium\.io|ingress\.k8s\.aws|alb\.networking\.azure\.io|azure\/|ingress-controllers\.konghq\.com|getambassador\.io|skipper|gateway\.)/;

export function servesController(controller: string): boolean {
  return (
    controller === sharedController ||
    controller === applicationRouting ||
    controller.startsWith(`${applicationRouting}/`)
  );
}

/** True unless the class says for certain that ingress-nginx does not look at the Ingress. */
export function mayServe(served: ServedBy, named: boolean): boolean {
  if (served.kind === 'none') return true;
  if (served.kind === 'unread') return named;
  if (served.kind === 'unknown') return served.byAnnotation && served.className === annotationClass;
  return servesController(served.controller) || (named && !otherControllers.test(served.controller));
}

export interface ControllerCheck {
  readonly reasons: readonly FaultReason[];
  readonly warnings: readonly FaultReason[];
}

/** Is it ingress-nginx, and nothing else, that will read the annotations of this Ingress? */
export function checkController(input: AdapterInput): ControllerCheck {
  const served = servedBy(input.ingress, input.ingressClasses);
  if (served.kind === 'unread') return unread(served.className, input.controllerNamed);
  if (!mayServe(served, input.controllerNamed)) return refuse('controller-mismatch', mismatch(served));
  if (served.kind === 'none') {
    const detail =
      'The Ingress names no IngressClass: ingress-nginx serves it only with --watch-ingress-without-class.';
    return input.controllerNamed
      ? warn('ingress-class-missing', detail)
      : refuse('ingress-class-missing', detail);
  }
  if (input.controllerNamed) {
    if (served.kind === 'unknown' || servesController(served.controller))
      return { reasons: [], warnings: [] };
    const detail = `IngressClass ${served.className} is for ${served.controller}, taken as ingress-nginx because you say so.`;
    return warn('controller-unrecognised', detail);
  }
  return guessed(served, input.ingressClasses ?? []);
}

function unread(className: string, named: boolean): ControllerCheck {
  const detail = `We may not read IngressClasses, so whose class ${className} is cannot be told.`;
  if (named) return warn('ingress-classes-unread', detail);
  return refuse(
    'ingress-classes-unread',
    `${detail} Name the controller in the request or in the configuration.`,
  );
}

/** `spec.controller` is only a hint, since Traefik takes the annotations without the CRL. */
function guessed(served: ServedBy, classes: readonly IngressClass[]): ControllerCheck {
  if (served.kind === 'controller' && served.controller !== sharedController)
    return { reasons: [], warnings: [] };
  if (classes.some((ingressClass) => ingressClass.spec?.controller?.startsWith('traefik.io/') === true)) {
    return refuse(
      'controller-ambiguous',
      `Traefik runs in this cluster and may claim ${sharedController}, too; it would accept every revoked certificate. ` +
        'Name the controller in the request or in the configuration.',
    );
  }
  const detail = `Taken for ingress-nginx because of the IngressClass; Traefik can claim ${sharedController}, too, and reads no CRL.`;
  return warn('controller-assumed', detail);
}

function mismatch(served: ServedBy): string {
  if (served.kind === 'controller') {
    return `IngressClass ${served.className} is for ${served.controller}, which does not read these annotations.`;
  }
  return `There is no IngressClass ${served.kind === 'unknown' ? served.className : ''}, so no controller serves the Ingress.`;
}

function refuse(code: string, detail: string): ControllerCheck {
  return { reasons: [{ code, detail }], warnings: [] };
}

function warn(code: string, detail: string): ControllerCheck {
  return { reasons: [], warnings: [{ code, detail }] };
}
