import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import {
  AuthorityListSchema,
  AuthoritySchema,
  ProfileListSchema,
  ProfileSchema,
} from './schemas/authority.ts';
import {
  CertificateListSchema,
  CertificateSchema,
  CertificateSummarySchema,
  IssuedCertificateSchema,
} from './schemas/certificate.ts';
import { ClientVerificationListSchema, ClientVerificationSchema } from './schemas/client-verification.ts';
import { ImportReportSchema } from './schemas/import.ts';
import { ProbeReportSchema } from './schemas/probe.ts';
import { ProblemSchema } from './schemas/problem.ts';
import { PublicationListSchema, PublicationSchema } from './schemas/publication.ts';
import { ReadinessSchema } from './schemas/readiness.ts';
import { BulkRevocationSchema, ReleaseSchema, RevocationSchema } from './schemas/revocation.ts';
import { CreatedTokenSchema, TokenListSchema, TokenSchema } from './schemas/token.ts';

/** The named schemas: components of the OpenAPI document, types of the clients generated from it. */
const components: Readonly<Record<string, TSchema>> = {
  Problem: ProblemSchema,
  IssuedCertificate: IssuedCertificateSchema,
  CertificateSummary: CertificateSummarySchema,
  Certificate: CertificateSchema,
  CertificateList: CertificateListSchema,
  Revocation: RevocationSchema,
  Release: ReleaseSchema,
  BulkRevocation: BulkRevocationSchema,
  ImportReport: ImportReportSchema,
  Profile: ProfileSchema,
  ProfileList: ProfileListSchema,
  Authority: AuthoritySchema,
  AuthorityList: AuthorityListSchema,
  ClientVerification: ClientVerificationSchema,
  ClientVerificationList: ClientVerificationListSchema,
  ProbeReport: ProbeReportSchema,
  Publication: PublicationSchema,
  PublicationList: PublicationListSchema,
  Token: TokenSchema,
  CreatedToken: CreatedTokenSchema,
  TokenList: TokenListSchema,
  Readiness: ReadinessSchema,
};

export function addComponents(app: FastifyInstance): void {
  for (const [name, schema] of Object.entries(components)) app.addSchema({ ...schema, $id: name });
}
