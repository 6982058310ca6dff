import type { Authority, AuthorityRegistry } from '../authority/authority.ts';
import { publicLocations } from '../authority/public-locations.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Metrics } from '../observability/metrics.ts';
import { composeTrustMaterial } from '../publication/compose-trust-material.ts';
import type { Publisher } from '../publication/publisher.ts';
import { type BuildCrlParts, buildCrl } from '../revocation/build-crl.ts';
import { CrlCheckFailed } from '../revocation/crl-check-failed.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import { type CrlKeeper, createCrlKeeper } from '../revocation/crl-keeper.ts';
import { createLedBuild } from '../revocation/led-build.ts';
import { createCrlStore } from '../store/crls.ts';
import type { Database } from '../store/database.ts';
import type { Notifications } from '../store/notifications.ts';
import type { ServiceInput } from './service-input.ts';

/** How often the CRLs are looked after: what other processes revoked or built, and what has become due. */
const pollSeconds = 5;

interface KeeperParts {
  readonly database: Database;
  readonly authorities: AuthorityRegistry;
  readonly crls: CrlFiles;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly metrics: Metrics;
  readonly leadership: Pick<Leadership, 'term' | 'resign'>;
  readonly notifications: Pick<Notifications, 'send'>;
}

export function createKeeper({ config, log, clock, lookMs }: ServiceInput, parts: KeeperParts): CrlKeeper {
  const { authorities, crls, publisher, metrics, leadership, notifications } = parts;
  const { publicUrl } = config;
  const build: BuildCrlParts = {
    crls: createCrlStore(parts.database),
    clock,
    times: config.crl,
    delta: config.crl.delta === 'on',
    ...(publicUrl && { freshestCrl: (authority) => publicLocations(publicUrl, authority).deltaCrl }),
    held: crls.held,
    onUnreadable: ({ authority, number }) =>
      log.error({ authority, crlNumber: number.toString() }, 'the previous CRL in the database is damaged'),
    onDeltaRefused(authority, { check, message }) {
      metrics.crlCheckFailed('delta');
      log.error(
        { authority, check, reason: message },
        'a delta CRL is not published: a check of it failed; the complete CRL is',
      );
    },
  };
  return createCrlKeeper({
    authorities: authorities.list(),
    build: createLedBuild({
      leadership,
      build: (authority, term) => buildCrl(build, authority, term),
    }),
    files: crls,
    clock,
    coalesceSeconds: config.crl.coalesceSeconds,
    pollSeconds: lookMs === undefined ? pollSeconds : lookMs / 1000,
    onBuilt(authority, seconds) {
      metrics.crlBuilt(authority, seconds);
      notifications.send({ kind: 'crl', authority });
    },
    onFailed(authority, error) {
      metrics.crlBuildFailed(authority);
      if (error instanceof CrlCheckFailed) {
        metrics.crlCheckFailed(error.check);
        const { check, message } = error;
        log.error(
          { authority, check, reason: message },
          'a CRL is not published: a check of it failed; the last good one stays',
        );
      } else log.error({ err: error, authority }, 'the CRL could not be looked after; trying again');
    },
    async onChanged() {
      const withCrl = async (authority: Authority) => ({
        authority,
        crl: await crls.current(authority.name),
      });
      const others = authorities.list().filter((authority) => authority !== authorities.default);
      const current = [
        await withCrl(authorities.default),
        ...(await Promise.all(others.map(withCrl))),
      ] as const;
      for (const { authority, crl } of current) {
        metrics.crlCurrent(authority.name, {
          number: crl.number,
          entries: crl.entryCount,
          sizeBytes: crl.der.length,
          nextUpdate: crl.nextUpdate,
        });
        log.info(
          { authority: authority.name, crlNumber: crl.number.toString(), nextUpdate: crl.nextUpdate },
          'CRL',
        );
      }
      await publisher.publish(composeTrustMaterial(current));
    },
  });
}
