import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startChild } from './child.ts';
import { freePort } from './service.ts';

const execute = promisify(execFile);

/** nginx is in a directory of its own on Debian, which not every account has on its PATH. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

/** Ways to look at a client's certificate, each at a port of its own; all of them let in whoever has a good one. */
export const doorKinds = ['crl', 'verify', 'ocsp', 'script'] as const;
export type DoorKind = (typeof doorKinds)[number];

export interface Doors {
  readonly ports: Readonly<Record<DoorKind, number>>;
  start(): Promise<void>;
  /** What takes up the files as they are now, as one line of a shell. */
  readonly reloadCommand: string;
  stop(): Promise<void>;
}

/** Files of the doors, by their paths; they need not be there before `start`. */
export interface DoorFiles {
  readonly serverCertificate: string;
  readonly serverKey: string;
  /** Of our CA: `ca.crt`, and `ca.crl` as it is published. */
  readonly published: string;
  /** The same two of a CA that a script keeps. */
  readonly script: string;
}

/** Whether nginx and openssl are there. */
export async function hasDoors(): Promise<boolean> {
  const programs = [execute('nginx', ['-v'], { env }), execute('openssl', ['version'])];
  return (await Promise.allSettled(programs)).every(({ status }) => status === 'fulfilled');
}

/** One real nginx with a door of each kind, in front of nothing. */
export async function makeDoors(directory: string, files: DoorFiles, serviceUrl: string): Promise<Doors> {
  const [crl, verify, ocsp, script] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const ports = { crl, verify, ocsp, script };
  const conf = join(directory, 'nginx.conf');
  await writeFile(conf, configuration(directory, files, ports, serviceUrl));
  const options = ['-p', directory, '-e', join(directory, 'error.log'), '-c', conf];
  const pidFile = join(directory, 'nginx.pid');
  let child: ReturnType<typeof startChild> | undefined;
  return {
    ports,
    async start() {
      child = startChild('nginx', options, { env, stdio: 'ignore' });
      for (let attempt = 0; attempt < 400; attempt++) {
        const isThere = await access(pidFile).then(
          () => true,
          () => false,
        );
        if (isThere) return;
        await sleep(25);
      }
      throw new Error(`nginx did not start; see ${join(directory, 'error.log')}`);
    },
    reloadCommand: `test ! -s ${pidFile} || kill -HUP $(cat ${pidFile})`,
    stop: async () => child?.stop(),
  };
}

function configuration(
  directory: string,
  { serverCertificate, serverKey, published, script }: DoorFiles,
  ports: Readonly<Record<DoorKind, number>>,
  serviceUrl: string,
): string {
  const door = (kind: DoorKind, ca: string, how: readonly string[]): string =>
    [
      `server { listen 127.0.0.1:${ports[kind]} ssl; server_name localhost;`,
      `ssl_certificate ${serverCertificate}; ssl_certificate_key ${serverKey};`,
      `ssl_client_certificate ${ca}/ca.crt; ssl_verify_client on;`,
      ...how,
      '}',
    ].join('\n');
  const answer = 'location / { return 200; }';
  const asking = [
    'location / { auth_request /.verify; try_files /.none @in; }',
    'location @in { return 200; }',
    `location = /.verify { internal; proxy_pass http://service/v1/verify?caller=nginx; proxy_http_version 1.1;`,
    'proxy_set_header Connection ""; proxy_set_header ssl-client-cert $ssl_client_escaped_cert;',
    'proxy_pass_request_body off; proxy_set_header Content-Length ""; }',
  ];
  const responder = `ssl_ocsp leaf; ssl_ocsp_responder ${serviceUrl}/ocsp/internal-ca;`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `daemon off; worker_processes 1; pid ${directory}/nginx.pid; events { worker_connections 256; }`,
    'http { access_log off;',
    ...temporary.map((name) => `${name}_temp_path ${directory}/temp-${name};`),
    `upstream service { server ${new URL(serviceUrl).host}; keepalive 8; }`,
    door('crl', published, [`ssl_crl ${published}/ca.crl;`, answer]),
    door('verify', published, asking),
    door('ocsp', published, [responder, answer]),
    door('script', script, [`ssl_crl ${script}/ca.crl;`, answer]),
    '}',
  ].join('\n');
}
