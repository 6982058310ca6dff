import { Type } from 'typebox';
import { copyReasons, copyStates, crlForms } from '../../store/publications.ts';
import { findings } from '../../store/published-places.ts';
import { Time } from './common.ts';

const Seen = Type.Object(
  {
    finding: Type.Enum([...findings], {
      description:
        '`current`: it is as it should be. `behind`: valid, but older than what should be there. `lapsing`: less than half of CRL_OVERLAP is left, and there is no newer one. `lapsed`, `not-yet-valid`: every client is refused there. `missing`: nothing is there. `broken`: it is not ours, not whole, or cannot be read. `unread`: it could not be looked at for some time.',
    }),
    at: Type.String({ format: 'date-time', description: 'When it was looked at last.' }),
    crlNumber: Type.Optional(Type.String({ examples: ['1795687200'] })),
    nextUpdate: Type.Optional(Time),
    detail: Type.Optional(Type.String({ description: 'In words, unless it is `current`.' })),
  },
  { description: 'What was read back there last, whoever had written it. Absent before the first look.' },
);

export const PublicationSchema = Type.Object({
  target: Type.String({
    description:
      '`secret:<namespace>/<name>`, `configmap:<namespace>/<name>`, `clustertrustbundle:<name>`, `directory:<path>`, or `url:<address>` of what is only read.',
    examples: ['secret:shop/internal-ca'],
  }),
  state: Type.Enum([...copyStates], {
    description:
      '`Current`: it is right. `Pending`: not looked at yet. `Failed`: see `error`; it is tried again. `Waiting`: it cannot be there at present and nothing is wrong; see `waitingFor`.',
  }),
  why: Type.Array(Type.Enum([...copyReasons]), {
    description:
      "`own`: the service's own namespace. `configured`: named in the configuration. `selector`: the label selector matches the namespace. `enforced`: an Ingress there is enforced. `named`: an Ingress that is not enforced names it, so it stays and is kept current.",
  }),
  crlNumber: Type.Optional(
    Type.String({
      description: 'Absent when nothing is there yet, and where only the CA certificates are kept.',
      examples: ['17'],
    }),
  ),
  crlForm: Type.Optional(
    Type.Enum([...crlForms], {
      description:
        '`full`: the CRL as it is. `compact`: without reason codes, to save room. `none`: no CRL, since every Ingress that names the copy asks the service instead. Absent where a CRL is never kept.',
    }),
  ),
  caFingerprints: Type.Array(Type.String(), { description: 'SHA-256 of each CA certificate.' }),
  writtenAt: Type.Optional(Time),
  sizeBytes: Type.Optional(Type.Integer()),
  limitBytes: Type.Optional(Type.Integer({ description: 'The largest that the target takes.' })),
  error: Type.Optional(Type.String({ description: 'Why the last attempt failed.' })),
  waitingFor: Type.Optional(
    Type.String({ description: 'What has to happen first, such as the namespace being made.' }),
  ),
  seen: Type.Optional(Seen),
});

export const PublicationListSchema = Type.Object({ items: Type.Array(Type.Ref('Publication#')) });
