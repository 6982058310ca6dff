import type { Ingress } from '../../../kubernetes/objects.ts';
import type { DoorAnswer } from '../../adapter.ts';
import type { Refusal } from '../../probe/probe-report.ts';
import { annotationNames } from './annotations.ts';

/** nginx's own pages (ngx_http_special_response.c), and the text of the template's `auth-tls-match-cn`. */
const words: readonly { readonly status: number; readonly says: string; readonly means: Refusal }[] = [
  { status: 400, says: 'No required SSL certificate was sent', means: 'no-certificate' },
  { status: 400, says: 'The SSL certificate error', means: 'bad-certificate' },
  { status: 403, says: 'client certificate unauthorized', means: 'name-not-allowed' },
  // `return 403` of a host whose Secret cannot be used; also of an address that is not on the allow-list.
  { status: 403, says: '<center><h1>403 Forbidden</h1></center>', means: 'closed' },
];

/** What auth_request makes of our 401, and of no usable answer; anything else of ours is 403. */
const wordsOnline: typeof words = [
  { status: 401, says: '<center><h1>401 Authorization Required</h1></center>', means: 'unauthenticated' },
  { status: 500, says: '<center><h1>500 Internal Server Error</h1></center>', means: 'unverifiable' },
];

/** How nginx turns a client away. With an error page it is that one which answers to both kinds of 400. */
export function refusal(
  { status, location, body }: DoorAnswer,
  ingress: Ingress,
  asksUs: boolean,
): Refusal | undefined {
  const all = asksUs ? [...words, ...wordsOnline] : words;
  const known = all.find((each) => each.status === status && body.includes(each.says));
  if (known !== undefined) return known.means;
  const errorPage = ingress.metadata.annotations?.[annotationNames.errorPage];
  if (errorPage === undefined) return undefined;
  if (/^https?:\/\//.test(errorPage)) return location === errorPage ? 'error-page' : undefined;
  return 'perhaps';
}
