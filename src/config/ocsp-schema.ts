import Type from 'typebox';
import { choice, duration } from './setting.ts';

const minute = 60;
const hour = 3_600;
const day = 86_400;

/** How OCSP (RFC 6960) is answered. */
export const ocsp = Type.Object(
  {
    mode: choice(
      'OCSP',
      'Answer OCSP requests at `/ocsp/{authority}`. Each replica makes a key of its own for that, with a short-lived certificate of the CA.',
      ['on', 'off'],
      'on',
    ),
    nonce: choice(
      'OCSP_NONCE',
      "Repeat a request's nonce (RFC 9654), which costs a signature for each such request. `off`: nonces are ignored, and answers are made ahead for all.",
      ['on', 'off'],
      'on',
    ),
    validitySeconds: duration(
      'OCSP_VALIDITY',
      'From now to nextUpdate of an answer. A client or a cache may keep the answer, and so not see a revocation, until then.',
      { default: hour, minimum: minute, maximum: 7 * day },
    ),
    responderValiditySeconds: duration(
      'OCSP_RESPONDER_VALIDITY',
      "How long the responder's certificate is valid; a new one takes its place at half of that. It cannot be revoked, so it should be short.",
      { default: 7 * day, minimum: hour, maximum: 90 * day },
    ),
    maxStalenessSeconds: Type.Optional(
      duration(
        'OCSP_MAX_STALENESS',
        'While the database is away, answers are made for this long from what is known; after that the answer is `tryLater`.',
        { minimum: 1, maximum: 365 * day, defaultText: '`CRL_OVERLAP`' },
      ),
    ),
  },
  { additionalProperties: false },
);
