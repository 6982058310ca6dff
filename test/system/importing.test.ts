import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { membersOf } from '../../src/members-of.ts';
import { markedCommands } from '../docs/documents.ts';
import { listAt, only } from '../support/chart/manifests.ts';
import { renderChart } from '../support/chart/render.ts';
import { stringAt, valueAt } from '../support/kubernetes/json.ts';
import { temporaryDataDirectory } from '../support/postgres-server.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';
import { createOpensslCa, type OpensslCa } from './openssl-ca.ts';

/** docs/importing.md as it is written, with a CA of `openssl ca`. */

const guide = (word: string) => markedCommands('docs/importing.md', word);

/** The CA of the guide, and `data` beside it, as in the clone. */
function guideCa(t: TestContext, dataDirectory: string): OpensslCa {
  const ca = createOpensslCa(t, { serial: '01' });
  for (const name of ['alice', 'bob', 'carol']) ca.issue(name);
  ca.revoke('bob', '-crl_reason', 'keyCompromise');
  ca.revoke('carol', '-crl_reason', 'certificateHold');
  ca.publishCrl();
  copyFileSync(ca.path('ca.crt'), ca.path('internal-ca.crt'));
  copyFileSync(ca.path('ca.key'), ca.path('internal-ca.key'));
  symlinkSync(dataDirectory, ca.path('data'));
  return ca;
}

/** Runs a script with bash beside the CA; standard output and errors in one text. What fails in it shows there, as in a terminal. */
function shell(ca: OpensslCa, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-uc', `exec 2>&1\n${script}`], { cwd: ca.directory });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', () => resolve(output.replaceAll('\r\n', '\n')));
  });
}

/** The settings that a block gives `npm start`, with the paths as the clone's would be. */
async function settingsOf(ca: OpensslCa, commands: string): Promise<Record<string, string>> {
  const printed = await shell(ca, `npm() { [ "$*" = start ] && env; }\n${commands}`);
  const settings = [...printed.matchAll(/^(CA_IMPORT_\w+)=(.*)$/gm)];
  return Object.fromEntries(settings.map(([, name = '', path = '']) => [name, ca.path(path)]));
}

/** Lines of the guide's log: those members that it shows. */
function linesOf(output: string): Record<string, unknown>[] {
  return output
    .trim()
    .split('\n')
    .map((line) => membersOf(JSON.parse(line.replaceAll(' …,', ''))));
}

/** What a script calls the service, with where it is in place of where the guide has it. */
const elsewhere = (service: TestService, commands: string): string =>
  commands.replaceAll('http://127.0.0.1:8080', service.url);

/** What the blocks after `CA=` and `AUTH=` count on. */
const callerOf = (service: TestService): string =>
  elsewhere(service, guide('http').commands.split('\n').slice(0, 2).join('\n'));

async function startWith(
  t: TestContext,
  choose: (settings: Record<string, string>) => Record<string, string>,
): Promise<{ ca: OpensslCa; service: TestService }> {
  const dataDirectory = await temporaryDataDirectory();
  const ca = guideCa(t, dataDirectory);
  const env = choose(await settingsOf(ca, guide('start').commands));
  return { ca, service: await startTestService(t, { dataDirectory, env }) };
}

test('the first start of the guide: its settings, its log, what openssl says then, and what is found', async (t) => {
  if (['openssl', 'curl', 'jq'].some((tool) => skipUnless(t, tool))) return;
  const { ca, service } = await startWith(t, (settings) => settings);

  const shown = linesOf(guide('start').output);
  const log = service.log.map(membersOf).filter(({ msg }) => shown.some((line) => line.msg === msg));
  const logged = log.map((line, n) =>
    Object.fromEntries(Object.keys(shown[n] ?? {}).map((name) => [name, line[name]])),
  );
  const number = BigInt(String(logged.at(-1)?.crlNumber));
  assert.ok(number > BigInt(String(shown.at(-2)?.crlNumber)));
  // These two are of the moment.
  const { crlNumber, nextUpdate } = shown.at(-1) ?? {};
  assert.match(String(logged.at(-1)?.nextUpdate), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  Object.assign(logged.at(-1) ?? {}, { crlNumber, nextUpdate });
  assert.deepEqual(logged, shown);

  assert.equal(await shell(ca, guide('verify').commands), guide('verify').output);
  const found = await shell(ca, `${callerOf(service)}\n${guide('search').commands}`);
  assert.equal(found, guide('search').output);
});

test('the calls of the guide, in one request or streamed, and as a dry run', async (t) => {
  if (['openssl', 'curl', 'jq'].some((tool) => skipUnless(t, tool))) return;
  const { ca, service } = await startWith(t, (settings) => ({
    CA_IMPORT_CERTIFICATE_FILE: String(settings.CA_IMPORT_CERTIFICATE_FILE),
    CA_IMPORT_KEY_FILE: String(settings.CA_IMPORT_KEY_FILE),
  }));
  const commands = elsewhere(service, guide('http').commands);
  const reports = async (script: string): Promise<unknown[]> => {
    const members =
      '[.read, .recorded, .alreadyKnown, .revoked, .alreadyRevoked, .notRevoked, .problemCount]';
    const printed = await shell(ca, `{\n${script}} | jq -c '${members}'`);
    return printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const tried = commands.replace(/(\$I\/[a-z-]+)/g, '"$1?dryRun=true"');
  const nothingYet = [3, 0, 0, 2, 0, 1, 0];
  assert.deepEqual(await reports(tried), [[3, 3, 0, 0, 0, 0, 0], nothingYet, [2, 0, 0, 2, 0, 0, 0]]);
  assert.deepEqual(await reports(commands), [
    [3, 3, 0, 0, 0, 0, 0],
    [3, 0, 0, 2, 0, 1, 0],
    [2, 0, 0, 0, 2, 0, 0],
  ]);
  const streamed = commands.replaceAll(/--data-binary @(\S+)/g, '-T $1 -X POST');
  assert.deepEqual(await reports(streamed), [
    [3, 0, 3, 0, 0, 0, 0],
    [3, 0, 0, 0, 2, 1, 0],
    [2, 0, 0, 0, 2, 0, 0],
  ]);
});

test('the Secret of the guide has what the chart mounts when it is told so, and a certificate for each of newcerts', async (t) => {
  if (['openssl', 'helm', 'kubectl'].some((tool) => skipUnless(t, tool))) return;
  const ca = guideCa(t, await temporaryDataDirectory());
  const printed = await shell(
    ca,
    `kubectl() { command kubectl "$@" --dry-run=client -o json >secret.json; }\nhelm() { printf '%s\\n' "$@"; }
${guide('helm').commands}`,
  );
  const words = printed.split('\n');
  const install = 'upgrade --install internal-ca helm/internal-ca --namespace pki --create-namespace'.split(
    ' ',
  );
  assert.deepEqual(words.slice(0, install.length), install);
  const values = words.slice(install.length);
  const set = values.filter((word) => /^[\w.]+=/.test(word));
  assert.deepEqual(
    values.filter((word) => word !== '' && !set.includes(word)),
    set.map(() => '--set'),
  );
  const secret: unknown = JSON.parse(readFileSync(ca.path('secret.json'), 'utf8'));
  const volumes = listAt(only(renderChart({ set }), 'Deployment'), 'spec', 'template', 'spec', 'volumes');
  const mount = volumes.find(({ name }) => name === 'import');
  assert.equal(stringAt(mount, 'secret', 'secretName'), stringAt(secret, 'metadata', 'name'));
  const mounted = listAt(mount, 'secret', 'items').map((item) => stringAt(item, 'key'));
  assert.deepEqual(mounted.toSorted(), Object.keys(membersOf(valueAt(secret, ['data']))).toSorted());
  const newcerts = Buffer.from(stringAt(secret, 'data', 'newcerts.pem') ?? '', 'base64').toString();
  assert.equal(newcerts.match(/^-----BEGIN CERTIFICATE-----$/gm)?.length, 3);
});
