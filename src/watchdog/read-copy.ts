import { decodePemInSteps } from '../encoding/decode-pem-in-steps.ts';
import { sha256InSteps } from '../encoding/in-steps.ts';
import { PemError } from '../encoding/pem.ts';
import type { Content } from './content.ts';
import { BrokenContent, type CrlReading, readPublishedCrl, type WatchedAuthority } from './read-crl.ts';

/** A copy as it lies there, as text; undefined where there is no such key or file. */
export interface CopyTexts {
  readonly caCrt: Buffer | undefined;
  readonly caCrl: Buffer | undefined;
}

export interface CopyReader {
  read(copy: CopyTexts): Promise<Content>;
}

/** Texts that were read, by their SHA-256: hundreds of copies have the same. */
const remembered = 16;

/** Reads copies, and each text once: it is the same whatever copy it lies in. */
export function createCopyReader(authorities: readonly WatchedAuthority[]): CopyReader {
  const known = new Map<string, readonly CrlReading[] | BrokenContent>();
  const certificates = authorities.flatMap(({ certificate, chain }) => [certificate, ...chain]);

  async function readCrls(text: Buffer): Promise<readonly CrlReading[]> {
    const hash = (await sha256InSteps([text])).toString('hex');
    const result = known.get(hash) ?? (await parseCrls(text).catch(onlyBroken));
    // Deleted first: a Map keeps the order of insertion, and the oldest is forgotten first.
    known.delete(hash);
    known.set(hash, result);
    const [oldest] = known.keys();
    if (known.size > remembered && oldest !== undefined) known.delete(oldest);
    if (result instanceof BrokenContent) throw result;
    return result;
  }

  async function parseCrls(text: Buffer): Promise<CrlReading[]> {
    const readings: CrlReading[] = [];
    for (const der of await blocksOf(text, 'X509 CRL', 'ca.crl'))
      readings.push(await readPublishedCrl(der, authorities, 'complete'));
    const names = new Set(readings.map(({ authority }) => authority));
    if (names.size < readings.length) throw new BrokenContent('ca.crl has two CRLs of one CA');
    return readings;
  }

  /** Exactly ours: one that is missing closes the door to its clients, a strange one opens it to somebody else's. */
  async function checkCertificates(text: Buffer): Promise<void> {
    const found = await blocksOf(text, 'CERTIFICATE', 'ca.crt');
    if (!certificates.every(({ der }) => found.some((block) => block.equals(der))))
      throw new BrokenContent('ca.crt lacks the certificate of the CA');
    if (!found.every((block) => certificates.some(({ der }) => block.equals(der))))
      throw new BrokenContent('ca.crt has a certificate that is not of our CAs');
  }

  return {
    async read({ caCrt, caCrl }) {
      if (caCrt === undefined) return { kind: 'broken', detail: 'ca.crt is missing' };
      try {
        await checkCertificates(caCrt);
        return { kind: 'content', crls: caCrl === undefined ? [] : await readCrls(caCrl) };
      } catch (error) {
        return { kind: 'broken', detail: onlyBroken(error).message };
      }
    },
  };
}

async function blocksOf(text: Buffer, label: string, file: string): Promise<Buffer[]> {
  try {
    return await decodePemInSteps(text, label);
  } catch (error) {
    if (error instanceof PemError) throw new BrokenContent(`${file}: ${error.message}`);
    throw error;
  }
}

function onlyBroken(error: unknown): BrokenContent {
  if (error instanceof BrokenContent) return error;
  throw error;
}
