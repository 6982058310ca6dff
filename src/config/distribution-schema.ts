import Type from 'typebox';
import { choice, integer } from './setting.ts';

/** What relying parties other than ingress controllers are offered, and what certificates say of it. */
export const distribution = Type.Object(
  {
    crlShards: integer(
      'CRL_SHARDS',
      'Into how many parts the CRL is divided for relying parties that fetch one over HTTP: 0 (none) or a power of two. New certificates name their part first, then the complete CRL. Needs `PUBLIC_URL`. The Secret always has the complete CRL.',
      { default: 0, minimum: 0, maximum: 256 },
    ),
    ocspAia: choice(
      'OCSP_AIA',
      'Whether new certificates name the OCSP responder. Needs `PUBLIC_URL`.',
      ['on', 'off'],
      'off',
    ),
  },
  { additionalProperties: false },
);
