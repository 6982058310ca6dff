import { X509Certificate } from 'node:crypto';
import { inSteps } from '../encoding/in-steps.ts';
import { Fault } from '../fault.ts';
import type { CopyPems } from './copy-content.ts';

const pemBlock = /-----BEGIN ([^-]*)-----\s+([A-Za-z0-9+/=\s]*?)\s*-----END ([^-]*)-----/g;

/**
 * The last look before anything leaves: `ca.crt` is certificates and nothing else, `ca.crl` is CRLs and nothing else,
 * neither is empty, and `ca.crl` is absent only where that is meant. Whatever the caller got wrong, a private key goes no
 * further than this.
 * @throws Fault `internal`; its detail never repeats what was found.
 */
export async function assertPublishable({ form, caCrt, crlPems }: CopyPems): Promise<void> {
  const certificates = blocksOf('ca.crt', caCrt, 'CERTIFICATE');
  for (const pem of certificates) {
    try {
      new X509Certificate(pem);
    } catch {
      throw refuse('ca.crt', 'a CERTIFICATE block is not a certificate');
    }
  }
  if (form === 'none') {
    if (crlPems !== undefined) throw refuse('ca.crl', 'it is to be left out');
    return;
  }
  if (crlPems === undefined || crlPems.length === 0) throw refuse('ca.crl', 'it has no PEM block');
  for (const pem of crlPems) await assertCrl(pem);
}

const crlBegin = '-----BEGIN X509 CRL-----\n';
const crlEnd = '\n-----END X509 CRL-----\n';

/** One block and nothing else: between its lines, which have hyphens, there is none. In steps, since it may be of 57 MB. */
async function assertCrl(pem: Buffer): Promise<void> {
  const body = pem.subarray(crlBegin.length, -crlEnd.length);
  const isFramed =
    body.length > 0 &&
    pem.toString('latin1', 0, crlBegin.length) === crlBegin &&
    pem.toString('latin1', pem.length - crlEnd.length) === crlEnd;
  if (!isFramed) throw refuse('ca.crl', 'it is not one PEM block that is X509 CRL');
  await inSteps([body], (step) => {
    const text = Buffer.from(step.buffer, step.byteOffset, step.byteLength).toString('latin1');
    if (/[^A-Za-z0-9+/=\n]/.test(text)) throw refuse('ca.crl', 'it has text that is not base64');
  });
}

function blocksOf(file: string, text: string, label: string): string[] {
  const blocks = [...text.matchAll(pemBlock)];
  if (blocks.length === 0) throw refuse(file, 'it has no PEM block');
  for (const [, begin, , end] of blocks) {
    if (begin !== label || end !== label) throw refuse(file, `it has a PEM block that is not ${label}`);
  }
  // Text around the blocks could be anything, a key in another notation included.
  if (text.replaceAll(pemBlock, '').trim() !== '')
    throw refuse(file, 'it has text outside of its PEM blocks');
  return blocks.map(([block]) => block);
}

function refuse(file: string, why: string): Fault {
  return new Fault('internal', `${file} is not published: ${why}`);
}
