import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestScope } from '../support/database.ts';

/** What a TLS server is given, as PEM. */
export interface Trust {
  readonly caCrt: string;
  readonly caCrl: string;
}

/** OpenSSL as a TLS server would ask it, at any time of day. */
export interface SecondOpinion {
  /** Per certificate (PEM): 0 for a client that is let in, else OpenSSL's first error; 23 is a revoked one. */
  verify(trust: Trust, at: number, certificates: readonly string[]): number[];
}

export function openSecondOpinion(t: TestScope): SecondOpinion {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-opinion-'));
  t.after(async () => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    verify({ caCrt, caCrl }, at, certificates) {
      const files = certificates.map((pem, index) => write(`${index}.pem`, pem));
      const { stdout, stderr } = spawnSync(
        'openssl',
        [
          ...['verify', '-x509_strict', '-crl_check_all', '-purpose', 'sslclient'],
          ...['-attime', String(Math.floor(at / 1000)), '-CAfile', write('ca.crt', caCrt)],
          ...['-CRLfile', write('ca.crl', caCrl), ...files],
        ],
        { encoding: 'utf8' },
      );
      // The errors of a certificate stand before its verdict.
      return files.map((file) => {
        if (stdout.includes(`${file}: OK`)) return 0;
        const before = stderr.slice(0, stderr.indexOf(`${file}: verification failed`));
        const last = before.slice(before.lastIndexOf(': verification failed') + 1);
        return Number(/^error (\d+) at/m.exec(last)?.[1] ?? Number.NaN);
      });
    },
  };
}
