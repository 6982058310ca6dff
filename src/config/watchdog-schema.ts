import Type from 'typebox';
import { choice, duration, list } from './setting.ts';

/** What is read back of what is published, and how often. */
export const watchdog = Type.Object(
  {
    intervalSeconds: duration(
      'WATCHDOG_INTERVAL',
      'How often each place where the CRL is published is read back and held against what should be there; at least eight times within `CRL_OVERLAP`.',
      { default: 300, minimum: 10, maximum: 86_400 },
    ),
    publicUrl: choice(
      'WATCHDOG_PUBLIC_URL',
      'Whether the CRL, its delta and its parts are fetched from `PUBLIC_URL`, too, as relying parties do. `off` where the service cannot reach its own address.',
      ['on', 'off'],
      'on',
    ),
    urls: list(
      'WATCHDOG_URLS',
      'Other addresses that have a CRL of this service, such as a CDN or a mirror: http or https. Secret, since user info or query may be; they are never shown.',
      { default: [], secret: true },
    ),
  },
  { additionalProperties: false },
);
