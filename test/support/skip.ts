import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test gives: its context. */
export interface Skippable {
  skip(reason: string): void;
}

/** Where each tool comes from on Debian, for the reason of the skip. */
const packages: Readonly<Record<string, string>> = {
  openssl: 'openssl',
  nginx: 'nginx',
  certtool: 'gnutls-bin',
  cfssl: 'golang-cfssl',
  curl: 'curl',
  ocsptool: 'gnutls-bin',
  javac: 'default-jdk-headless',
  promtool: 'prometheus',
  jq: 'jq',
};

/**
 * Skips the test when `tool` is not on the PATH, and says so: `if (skipUnless(t, 'openssl')) return;`.
 * True when the test is skipped. The end of `npm test` lists every skip, and with `CI` set a skip is a failure.
 */
export function skipUnless(t: Skippable, tool: string): boolean {
  if (findTool(tool) !== undefined) return false;
  const source = packages[tool];
  t.skip(`${tool} is not installed${source === undefined ? '' : ` (Debian: apt-get install ${source})`}`);
  return true;
}

/** The full path of a program on the PATH (and where Debian keeps servers, which a user's PATH leaves out). */
export function findTool(tool: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, tool)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
