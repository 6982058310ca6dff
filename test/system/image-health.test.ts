import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { readDocument } from '../docs/documents.ts';
import { createTestDatabase } from '../support/database.ts';
import { isObject } from '../support/kubernetes/json.ts';
import { startTestService } from '../support/service.ts';
import { mountTlsSecret, serverIdentity } from '../support/tls-files.ts';

/** The HEALTHCHECK of the image, run beside the real service. */

async function healthCheck(env: Readonly<Record<string, string>>): Promise<number> {
  const [, json = ''] = /^HEALTHCHECK [^[]*CMD (\[.*\])$/m.exec(readDocument('Dockerfile')) ?? [];
  const command: unknown = JSON.parse(json);
  assert.ok(Array.isArray(command) && command[0] === 'node');
  const child = spawn(process.execPath, command.slice(1).map(String), { env, stdio: 'inherit' });
  const [status] = await once(child, 'exit');
  return Number(status);
}

test('healthy while the service answers, by whichever listener, and not when it is gone', async (t) => {
  const { url: databaseUrl } = await createTestDatabase(t);
  const plain = await startTestService(t, { databaseUrl, inProcess: true });
  const files = await mountTlsSecret(t, await serverIdentity('image'));
  const tls = { TLS_CERTIFICATE_FILE: files.certificateFile, TLS_KEY_FILE: files.keyFile };
  const secure = await startTestService(t, {
    databaseUrl: (await createTestDatabase(t)).url,
    env: { ...tls, HTTP_PUBLIC_PORT: '0' },
  });
  const ready = secure.log.find((line) => isObject(line) && 'publicUrl' in line);
  const port = (url: unknown) => new URL(String(url)).port;
  const publicPort = port(isObject(ready) ? ready.publicUrl : '');
  assert.equal(await healthCheck({ PORT: port(plain.url) }), 0);
  assert.equal(await healthCheck({ ...tls, PORT: port(secure.url) }), 0);
  assert.equal(await healthCheck({ ...tls, PORT: '1', HTTP_PUBLIC_PORT: publicPort }), 0);
  await plain.stop();
  assert.equal(await healthCheck({ PORT: port(plain.url) }), 1);
});
