import Type from 'typebox';
import { choice } from './setting.ts';

/** The key of what becomes of a CRL that outgrows its Secrets. */
export const budget = Type.Object(
  {
    policy: choice(
      'SECRET_OVER_BUDGET',
      'What to do before the CRL outgrows the 1 MiB of a Secret. `alert`: nothing else. `compact`: leave out its reason codes. `online`: that, and when even this is not enough, move the enforced Ingresses to live verification, and take the CRL out of the copies whose Ingresses are all proven to ask. `auto`: `online` where that is possible (`VERIFY_URL`, and `ENFORCEMENT_PROBE=on`), else `compact`.',
      ['auto', 'alert', 'compact', 'online'],
      'auto',
    ),
  },
  { additionalProperties: false },
);
