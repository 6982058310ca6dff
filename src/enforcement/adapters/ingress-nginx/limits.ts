import type { FaultReason } from '../../../fault.ts';

/**
 * An Ingress belongs to its tenant, and what it holds is bounded only by etcd (1.5 MiB) and by the 256 KiB of all annotations
 * (apimachinery TotalAnnotationSizeLimitB). These are the bounds of what can be enforced.
 */

/** Hosts of one Ingress: each is a server block of its own, with its own copy of the CRL in nginx's memory. */
export const maxHosts = 1_000;

/** Characters of one snippet. */
export const maxSnippet = 64 * 1024;

/** Findings of one code that are named one by one. */
const mostOfOneCode = 20;

/** Names in one sentence. */
const mostNames = 10;

/** Characters of a tenant's text that are repeated in a message. */
const mostQuoted = 200;

/** `a, b, c and 7,997 more`. */
export function listed(names: readonly string[]): string {
  const more = names.length - mostNames;
  if (more <= 0) return names.join(', ');
  return `${names.slice(0, mostNames).join(', ')} and ${more.toLocaleString('en')} more`;
}

/** A tenant's text, as a message repeats it. */
export function quoted(text: string): string {
  return `"${text.length <= mostQuoted ? text : `${text.slice(0, mostQuoted)}…`}"`;
}

/** Thousands of findings of one code say no more than the first of them; none is lost of which there is only one. */
export function atMostOfEach(findings: readonly FaultReason[]): FaultReason[] {
  const counts = new Map<string, number>();
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  const shown = new Map<string, number>();
  return findings.flatMap((finding) => {
    const before = shown.get(finding.code) ?? 0;
    shown.set(finding.code, before + 1);
    if (before < mostOfOneCode) return [finding];
    if (before > mostOfOneCode) return [];
    const more = (counts.get(finding.code) ?? 0) - mostOfOneCode;
    return [{ code: finding.code, detail: `And ${more.toLocaleString('en')} more of this kind.` }];
  });
}
