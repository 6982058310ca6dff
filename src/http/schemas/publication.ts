import { Type } from 'typebox';
import { copyReasons, copyStates, crlForms } from '../../store/publications.ts';
import { Time } from './common.ts';

export const PublicationSchema = Type.Object({
  target: Type.String({
    description:
      '`secret:<namespace>/<name>`, `configmap:<namespace>/<name>`, `clustertrustbundle:<name>` or `directory:<path>`.',
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
});

export const PublicationListSchema = Type.Object({ items: Type.Array(Type.Ref('Publication#')) });
