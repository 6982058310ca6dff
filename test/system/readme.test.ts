import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Step {
  readonly commands: string;
  /** What the README says that they print; undefined when it shows nothing. */
  readonly output: string | undefined;
}

/** The commands of the README's tour, in their order: blocks marked with a comment, and the output that follows. */
function stepsOf(readme: string): Step[] {
  const block = /<!-- tour -->\n```sh\n([\s\S]*?)```\n(?:```text\n([\s\S]*?)```\n)?/g;
  return [...readme.matchAll(block)].map(([, commands = '', output]) => ({ commands, output }));
}

/** Serials, times and dates differ from run to run; everything else is as the README has it. */
function withoutChance(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/\b[0-9a-f]{32}\b/g, 'SERIAL')
    .replace(/crlNumber=0x[0-9A-F]+/, 'crlNumber=NUMBER')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT/g, 'DATE')
    .trim();
}

/** Runs a script with bash; standard output and errors in one text. */
function run(script: string, directory: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], {
      cwd: directory,
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}

test("the README's tour works line by line and prints what it says", async (t) => {
  if (['openssl', 'curl', 'nginx'].some((tool) => skipUnless(t, tool))) return;
  const steps = stepsOf(await readFile(join(root, 'README.md'), 'utf8'));
  assert.equal(steps.length, 5);
  const service = await startTestService(t);
  const directory = await mkdtemp(join(tmpdir(), 'tour-'));
  t.after(async () => {
    await run('nginx -p . -c docs/examples/nginx.conf -s stop || true', directory);
    await rm(directory, { recursive: true, force: true });
  });
  await symlink(service.dataDirectory, join(directory, 'data'));
  await mkdir(join(directory, 'docs'));
  await cp(join(root, 'docs/examples'), join(directory, 'docs/examples'), { recursive: true });
  const port = String(await freePort());
  const elsewhere = (text: string): string =>
    text.replaceAll('http://127.0.0.1:8080', service.url).replaceAll('8443', port);
  const conf = join(directory, 'docs/examples/nginx.conf');
  await writeFile(conf, elsewhere(await readFile(conf, 'utf8')));

  // One shell for all steps, as one terminal would be; a mark after each tells their outputs apart.
  const mark = '=== end of step ===';
  const script = steps.map(({ commands }) => `${elsewhere(commands)}echo; echo '${mark}'`).join('\n');
  const outputs = (await run(script, directory)).split(mark);
  for (const [index, { output }] of steps.entries()) {
    const printed = withoutChance(outputs[index] ?? '').replace(/^.*signal process started$\n?/gm, '');
    if (output !== undefined) assert.equal(printed.trim(), withoutChance(output), `step ${index + 1}`);
  }
});
