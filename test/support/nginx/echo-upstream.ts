import { once } from 'node:events';
import { createServer } from 'node:http';

export interface EchoUpstream {
  readonly url: string;
  stop(): Promise<void>;
}

/** An upstream that answers with the request's URL and headers as JSON: `{url, headers}`. */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  const server = createServer({ maxHeaderSize: 131_072 }, (request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the upstream is not listening on a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
