import { fastify } from 'fastify';

/** The least that Fastify does for a GET, in a process of its own: what live verification is held against. */
const app = fastify();
app.get('/v1/verify', (_request, reply) => {
  reply.send();
});
app.get('/cpu', (_request, reply) => {
  const { user, system } = process.cpuUsage();
  reply.send({ seconds: (user + system) / 1e6 });
});
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
