import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { formatDuration } from '../../duration.ts';
import { extendedKeyUsageName } from '../../issuance/extended-key-usages.ts';
import type { Profile } from '../../issuance/profile.ts';
import type { HttpParts } from '../parts.ts';
import { answer } from '../schemas/common.ts';

/** `GET /v1/profiles`: what may be issued. */
export function profiles(parts: Pick<HttpParts, 'issuance' | 'options'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/profiles',
      {
        config: { permission: 'profiles:read' },
        schema: {
          operationId: 'listProfiles',
          tags: ['certificates'],
          summary: 'The profiles: what may be issued under which name',
          response: { 200: answer('Every profile.', 'ProfileList') },
        },
      },
      async (_request, reply) =>
        reply.send({
          items: parts.issuance
            .profiles()
            .map((profile) => profileView(profile, parts.options.defaultProfile)),
        }),
    );
  };
}

function profileView(profile: Profile, defaultName: string) {
  const { name, description, keys, keyUsage, extendedKeyUsage, subject, subjectAltName } = profile;
  return {
    name,
    description,
    default: name === defaultName,
    keys: { ...(keys.rsa === false ? {} : { rsa: keys.rsa }), ec: keys.ec, ed25519: keys.ed25519 },
    keyUsage,
    extendedKeyUsage: extendedKeyUsage.map(extendedKeyUsageName),
    defaultValidity: formatDuration(profile.defaultValiditySeconds),
    maxValidity: formatDuration(profile.maxValiditySeconds),
    subject,
    subjectAltName: {
      kinds: subjectAltName.kinds,
      required: subjectAltName.required,
      wildcards: subjectAltName.wildcards,
      patterns: Object.fromEntries(
        Object.entries(subjectAltName.patterns).map(([kind, { source }]) => [kind, source]),
      ),
    },
  };
}
