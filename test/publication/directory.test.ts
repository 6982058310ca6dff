import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { encodePem } from '../../src/encoding/pem.ts';
import { createPublisher, type FileOptions } from '../../src/publication/create-publisher.ts';
import { createMaterialSource } from '../support/trust-material.ts';

const source = await createMaterialSource();

function setUp(t: TestContext, o: Partial<FileOptions> = {}, retry = { initialMs: 5, maxMs: 20 }) {
  const parent = mkdtempSync(join(tmpdir(), 'internal-ca-directory-'));
  const directory = join(parent, 'published');
  const create = () => {
    const publisher = createPublisher({
      files: { directory, ...o },
      secretName: 'internal-ca',
      clock: { now: () => 0 },
      log: { info: () => undefined, warn: () => undefined },
      times: { retry },
    });
    t.after(() => publisher.close());
    return publisher;
  };
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { parent, directory, read, create, publisher: create() };
}

async function until(t: TestContext, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(5, undefined, { signal: t.signal });
}

describe('the published directory', { timeout: 20_000 }, () => {
  it('has ca.crt, ca.crl and a Secret that is ready to apply', async (t) => {
    const { directory, read, publisher } = setUp(t);
    const material = source.at(3n);
    await publisher.publish(material);
    assert.deepEqual(
      readdirSync(directory)
        .filter((name) => !name.startsWith('.'))
        .sort(),
      ['ca.crl', 'ca.crt', 'internal-ca.secret.yaml'],
    );
    assert.equal(read('ca.crt'), material.caCrt);
    assert.equal(read('ca.crl'), material.caCrl);
    const secret: unknown = parse(read('internal-ca.secret.yaml'));
    assert.ok(typeof secret === 'object' && secret !== null && 'data' in secret && 'type' in secret);
    assert.equal(secret.type, 'Opaque');
    assert.deepEqual(secret.data, {
      'ca.crt': Buffer.from(material.caCrt).toString('base64'),
      'ca.crl': Buffer.from(material.caCrl).toString('base64'),
    });
    const [copy] = await publisher.status();
    assert.equal(copy?.target, `directory:${directory}`);
    assert.equal(copy.crlNumber, '3');
    assert.equal(copy.error, undefined);
    // Public, and read by servers that run as another user.
    assert.equal(statSync(join(directory, 'ca.crl')).mode & 0o444, 0o444);
  });

  it('holds the CRLs of several CAs, whatever their lengths, and knows all of it again', async (t) => {
    const { directory, read, create, publisher } = setUp(t);
    const pem = (octets: number) => Buffer.from(encodePem('X509 CRL', Buffer.alloc(octets, octets)));
    // Whole thirds of base64 end in none of them, within one, and across two; the last is larger than a step.
    const pems = [pem(48), pem(7), pem(8), pem(400_000)];
    const together = Buffer.concat(pems);
    const crls = { full: { sizeBytes: together.length, pems: async () => pems } };
    const material = { ...source.at(1n), crls };
    await publisher.publish(material);
    assert.equal(read('ca.crl'), together.toString());
    const secret: unknown = parse(read('internal-ca.secret.yaml'));
    assert.ok(typeof secret === 'object' && secret !== null && 'data' in secret);
    assert.deepEqual(secret.data, {
      'ca.crt': Buffer.from(material.caCrt).toString('base64'),
      'ca.crl': together.toString('base64'),
    });
    const version = readlinkSync(join(directory, '..current'));
    await create().publish(material);
    assert.equal(readlinkSync(join(directory, '..current')), version, 'it was written again');
    writeFileSync(join(directory, 'ca.crl'), together.subarray(0, -1));
    await create().publish(material);
    assert.equal(read('ca.crl'), together.toString());
    assert.notEqual(readlinkSync(join(directory, '..current')), version);
  });

  it('makes no text of more than a step of a large CRL: a million entries would hold up everybody', async (t) => {
    const { read, create, publisher } = setUp(t);
    const large = Buffer.from(encodePem('X509 CRL', Buffer.alloc(4_000_000, 5)));
    const crls = { full: { sizeBytes: large.length, pems: async () => [large] } };
    const most = 1_000_000;
    const asText = Buffer.prototype.toString;
    t.mock.method(Buffer.prototype, 'toString', function (this: Buffer, ...of: Parameters<typeof asText>) {
      const text = asText.apply(this, of);
      assert.ok(text.length <= most, `${text.length} characters at once`);
      return text;
    });
    const { stringify } = JSON;
    t.mock.method(JSON, 'stringify', (...of: Parameters<typeof stringify>) => {
      const text = stringify(...of);
      assert.ok(text.length <= most, `${text.length} characters at once`);
      return text;
    });
    await publisher.publish({ ...source.at(1n), crls });
    // And when it is looked at again.
    const again = create();
    await again.publish({ ...source.at(1n), crls });
    const states = [...(await publisher.status()), ...(await again.status())].map(({ state }) => state);
    t.mock.restoreAll();
    assert.deepEqual(states, ['Current', 'Current']);
    assert.equal(read('ca.crl').length, large.length);
  });

  it('changes all files at one stroke: whoever reads by one path never sees a mixture', async (t) => {
    const { directory, publisher } = setUp(t);
    await publisher.publish(source.at(1n));
    let stop = false;
    let seen = 0;
    const reader = (async () => {
      while (!stop) {
        const version = join(directory, '..current');
        // What the link showed first is complete, also when it changes between two reads.
        const yaml = readFileSync(join(version, 'internal-ca.secret.yaml'), 'utf8');
        assert.match(yaml, /ca\.crl/);
        assert.match(readFileSync(join(directory, 'ca.crl'), 'utf8'), /-----END X509 CRL-----\n$/);
        seen += 1;
        await pause(0);
      }
    })();
    for (let number = 2n; number < 40n; number += 1n) await publisher.publish(source.at(number));
    stop = true;
    await reader;
    assert.ok(seen > 0);
    // Old versions do not pile up.
    assert.equal(readdirSync(directory).filter((name) => name.startsWith('..version')).length, 1);
  });

  it('is not set back by a process that comes late, nor by a restart', async (t) => {
    const { read, publisher, create } = setUp(t);
    await publisher.publish(source.at(8n));
    const restarted = create();
    await restarted.publish(source.at(5n));
    assert.equal(read('ca.crl'), source.at(8n).caCrl);
    assert.equal((await restarted.status())[0]?.crlNumber, '8');
    await restarted.publish(source.at(9n));
    assert.equal(read('ca.crl'), source.at(9n).caCrl);
  });

  it('is written again when somebody edited it, and leaves other files alone', async (t) => {
    const { directory, read, publisher, create } = setUp(t);
    await publisher.publish(source.at(1n));
    rmSync(join(directory, 'ca.crl'));
    writeFileSync(join(directory, 'ca.crl'), 'edited');
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    await create().publish(source.at(1n));
    assert.equal(read('ca.crl'), source.at(1n).caCrl);
    assert.equal(read('notes.txt'), 'mine');
  });

  it('keeps trying when it cannot be written', async (t) => {
    const { parent, directory, read, publisher } = setUp(t);
    writeFileSync(directory, 'a file is in the way');
    await publisher.publish(source.at(1n));
    assert.match((await publisher.status())[0]?.error ?? '', /EEXIST|ENOTDIR/);
    rmSync(join(parent, 'published'));
    await until(t, async () => (await publisher.status())[0]?.error === undefined);
    assert.equal(read('ca.crl'), source.at(1n).caCrl);
  });
});

describe('the command after a change', { timeout: 20_000 }, () => {
  it('runs once for each change, after the files are in place', async (t) => {
    const command = 'cat "$INTERNAL_CA_PUBLISHED/ca.crl" >> "$INTERNAL_CA_PUBLISHED/../seen"';
    const { parent, publisher } = setUp(t, { command });
    const seen = () => readFileSync(join(parent, 'seen'), 'utf8');
    await publisher.publish(source.at(1n));
    await publisher.publish(source.at(1n));
    assert.equal(seen(), source.at(1n).caCrl);
    await publisher.publish(source.at(2n));
    assert.equal(seen(), source.at(1n).caCrl + source.at(2n).caCrl);
  });

  it('its failure is reported, the files stay, and it is tried again', async (t) => {
    const command = 'test -e "$INTERNAL_CA_PUBLISHED/../ready" || { echo "no nginx"; exit 3; }';
    const { parent, read, publisher } = setUp(t, { command });
    await publisher.publish(source.at(1n));
    assert.match((await publisher.status())[0]?.error ?? '', /failed: exit code 3: no nginx/);
    assert.equal(read('ca.crl'), source.at(1n).caCrl);
    writeFileSync(join(parent, 'ready'), '');
    await until(t, async () => (await publisher.status())[0]?.error === undefined);
  });

  it('is killed with its children when it takes too long', async (t) => {
    const command = '(sleep 2; touch "$INTERNAL_CA_PUBLISHED/../survived") & sleep 100';
    const { parent, publisher } = setUp(
      t,
      { command, commandTimeoutMs: 100 },
      { initialMs: 60_000, maxMs: 60_000 },
    );
    await publisher.publish(source.at(1n));
    assert.match((await publisher.status())[0]?.error ?? '', /no end within 100 ms/);
    await pause(2200);
    assert.equal(existsSync(join(parent, 'survived')), false);
  });

  it("does not get the service's secrets", async (t) => {
    process.env.ADMIN_TOKEN = 'ica_not_for_you';
    t.after(() => {
      delete process.env.ADMIN_TOKEN;
    });
    const { parent, publisher } = setUp(t, { command: 'env > "$INTERNAL_CA_PUBLISHED/../env"' });
    await publisher.publish(source.at(1n));
    const environment = readFileSync(join(parent, 'env'), 'utf8');
    assert.match(environment, /^PATH=/m);
    assert.doesNotMatch(environment, /ica_not_for_you/);
  });
});
