import { request } from 'node:https';

export interface HttpsAnswer {
  readonly status: number | undefined;
  readonly body: string;
}

/** One GET on a connection of its own, trusting `ca` and nothing else. @throws when the certificate is another's */
export function httpsGet(url: string, ca: string, token?: string): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request(url, { ca, headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => {
        body += String(text);
      });
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
