import type { Authority } from '../../src/authority/authority.ts';
import { chainPem } from '../../src/authority/chain-pem.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { type CrlOptions, signCrl } from '../../src/revocation/sign-crl.ts';
import type { WatchedAuthority } from '../../src/watchdog/read-crl.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { makeAuthority } from '../support/authority.ts';

/** What is published of a CA that lives in memory. */
export interface Published {
  readonly authority: Authority;
  readonly watched: WatchedAuthority;
  readonly caCrt: Buffer;
  crl(number: bigint, o?: CrlOptions & { entries?: number }): Promise<Buffer>;
}

export const start = Date.UTC(2026, 10, 23, 12);
export const hour = 3_600_000;

/** CRLs hold from `start` for ten hours. */
export async function publishedBy(options: Parameters<typeof makeAuthority>[1] = {}): Promise<Published> {
  const authority = await makeAuthority(start - 1000 * hour, options);
  const { name, certificate, chain, signer } = authority;
  return {
    authority,
    watched: { name, certificate, chain, algorithm: signer.algorithm },
    caCrt: Buffer.from(chainPem(authority)),
    async crl(number, { entries = 0, ...o } = {}) {
      const head = { number, thisUpdate: new Date(start), nextUpdate: new Date(start + 10 * hour) };
      const list = Array.from({ length: entries }, (_, at) => {
        const serial = Buffer.alloc(16, 1);
        serial.writeUInt32BE(at, 12);
        return encodeRevokedEntry({ serial, revocationDate: new Date(start), reason: 'superseded' });
      });
      return Buffer.concat(await signCrl(authority, head, [Buffer.concat(list)], o));
    },
  };
}

export function pemOf(...crls: readonly Buffer[]): Buffer {
  return Buffer.from(crls.map((der) => encodePem('X509 CRL', der)).join(''));
}
