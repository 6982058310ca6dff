import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { listAt, only } from '../support/chart/manifests.ts';
import { renderChart } from '../support/chart/render.ts';
import { createTestDatabase } from '../support/database.ts';
import { isObject } from '../support/kubernetes/json.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';
import { mountTlsSecret, serverIdentity } from '../support/tls-files.ts';

/** What `helm test` runs in its pod, against the real service. */

const run = promisify(execFile);

/** The pod's command and arguments as rendered, with these variables over its own. */
async function helmTest(set: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const [container = {}] = listAt(only(renderChart({ set }), 'Pod'), 'spec', 'containers');
  const own = Object.fromEntries(
    listAt(container, 'env').map(({ name, value }) => [String(name), String(value)]),
  );
  const [flag = '', script = ''] = [container.command, container.args].flat().slice(1).map(String);
  const { stdout } = await run(process.execPath, [flag, script], { env: { ...own, ...env } });
  return stdout;
}

test('helm test is content with a service that runs, and with no other', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const { url: databaseUrl } = await createTestDatabase(t);
  const service = await startTestService(t, { databaseUrl, inProcess: true });
  const said = await helmTest([], { PUBLIC_FILES: service.url });
  assert.equal(said.match(/^ok: /gm)?.length, 4, said);
  await assert.rejects(helmTest(['config.authority.name=nonesuch'], { PUBLIC_FILES: service.url }), /404/);
  await service.stop();
  await assert.rejects(helmTest([], { PUBLIC_FILES: service.url }), /ECONNREFUSED/);
});

test('with TLS, the API is looked for there, and the public files by plain HTTP', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const { url: databaseUrl } = await createTestDatabase(t);
  const files = await mountTlsSecret(t, await serverIdentity('helm-test'));
  const service = await startTestService(t, {
    databaseUrl,
    env: { TLS_CERTIFICATE_FILE: files.certificateFile, TLS_KEY_FILE: files.keyFile, HTTP_PUBLIC_PORT: '0' },
  });
  const ready = service.log.find((line) => isObject(line) && 'publicUrl' in line);
  const publicUrl = isObject(ready) ? String(ready.publicUrl) : '';
  const set = ['tls.existingSecret=server'];
  const said = await helmTest(set, { PUBLIC_FILES: publicUrl, API: service.url });
  assert.match(said, /^ok: nobody gets in without a token$/m);
  // Plain HTTP does not have the API: what is not refused with 401 is no proof.
  await assert.rejects(helmTest(set, { PUBLIC_FILES: publicUrl, API: publicUrl }), /expected 401, not 404/);
});
