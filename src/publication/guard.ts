import { X509Certificate } from 'node:crypto';
import { Fault } from '../fault.ts';
import type { CopyContent } from './copy-content.ts';

const pemBlock = /-----BEGIN ([^-]*)-----\s+([A-Za-z0-9+/=\s]*?)\s*-----END ([^-]*)-----/g;

/**
 * The last look before anything leaves: `ca.crt` is certificates and nothing else, `ca.crl` is CRLs and nothing else,
 * neither is empty, and `ca.crl` is absent only where that is meant. Whatever the caller got wrong, a private key goes no
 * further than this.
 * @throws Fault `internal`; its detail never repeats what was found.
 */
export function assertPublishable({ form, caCrt, caCrl }: CopyContent): void {
  const certificates = blocksOf('ca.crt', caCrt, 'CERTIFICATE');
  if (form !== 'none') blocksOf('ca.crl', caCrl ?? '', 'X509 CRL');
  else if (caCrl !== undefined) throw refuse('ca.crl', 'it is to be left out');
  for (const pem of certificates) {
    try {
      new X509Certificate(pem);
    } catch {
      throw refuse('ca.crt', 'a CERTIFICATE block is not a certificate');
    }
  }
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
