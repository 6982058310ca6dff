import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Knock {
  readonly port: number;
  /** The host name, as SNI and in the Host header. */
  readonly host: string;
  readonly path?: string;
  /** Plain HTTP instead of HTTPS. */
  readonly plain?: boolean;
  /** PEM of the CA that the server's certificate comes from. */
  readonly ca?: string;
  /** The client's own, PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request on a connection of its own, and what the door says. */
export function knock(how: Knock): Promise<Answer> {
  const { port, host, path = '/', headers = {} } = how;
  const common = {
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: { Host: host, ...headers },
  } as const;
  return new Promise((resolve, reject) => {
    const asked = how.plain === true ? requestHttp(common) : requestHttps({ ...common, ...tlsOf(how) });
    asked.on('error', reject);
    asked.on('response', async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
    asked.end();
  });
}

function tlsOf({ host, ca, cert, key }: Knock) {
  return {
    servername: host,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
