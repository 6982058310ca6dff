// What `helm test` asks of the running service. Exits with 0 when all of it is so.
const { X509Certificate } = require('node:crypto');
const https = require('node:https');

const { PUBLIC_FILES: files, API: api = files, AUTHORITY: authority } = process.env;

/** The API's status for a caller without a token. Its certificate may be of a CA that this pod does not know. */
function statusOf(url) {
  if (url.startsWith('http:')) return fetch(url).then((answer) => answer.status);
  return new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
      .on('error', reject);
  });
}

const checks = {
  async 'the service is ready'() {
    const answer = await fetch(`${files}/readyz`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  },
  async 'the CA certificate is there and valid'() {
    const answer = await fetch(`${files}/ca/${authority}.pem`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const certificate = new X509Certificate(await answer.text());
    if (!certificate.ca || certificate.validToDate <= new Date()) throw new Error(certificate.validTo);
  },
  async 'a CRL is there'() {
    const answer = await fetch(`${files}/crl/${authority}.pem`);
    if (!/^-----BEGIN X509 CRL-----/.test(await answer.text())) throw new Error(`${answer.status}`);
  },
  async 'nobody gets in without a token'() {
    const status = await statusOf(`${api}/v1/certificates`);
    if (status !== 401) throw new Error(`expected 401, not ${status}`);
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    await check();
    console.log(`ok: ${name}`);
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
