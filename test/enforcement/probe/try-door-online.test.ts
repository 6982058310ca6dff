import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { DetailedProbeReport } from '../../../src/enforcement/probe/probe-report.ts';
import type { VerificationSettings } from '../../../src/enforcement/verification.ts';
import { findTool, skipUnless } from '../../support/skip.ts';
import { prefix } from '../fixtures.ts';
import { type AnsweringService, startAnsweringService } from './answering-service.ts';
import { type DoorBench, enforced, startDoorBench } from './harness.ts';

/** What the probe says of a real nginx that asks, or ought to ask, about each request. */

const cleanUps: (() => Promise<void>)[] = [];
let bench: DoorBench | undefined;
let service: AnsweringService | undefined;

before(async () => {
  if (findTool('nginx') === undefined) return;
  bench = await startDoorBench({ after: (work) => void cleanUps.push(work) });
  const started = await startAnsweringService(bench);
  service = started;
  cleanUps.push(() => started.stop());
});
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});
beforeEach(() => service?.set({}));

interface Scene extends DoorBench {
  readonly service: AnsweringService;
  /** An Ingress that asks, as the adapter writes it. */
  asking(
    settings?: Partial<VerificationSettings>,
    annotations?: Readonly<Record<string, string>>,
  ): ReturnType<typeof enforced>;
}

function doorTest(name: string, work: (scene: Scene) => Promise<void>): void {
  test(name, async (t) => {
    if (skipUnless(t, 'nginx')) return;
    assert.ok(bench !== undefined && service !== undefined);
    const { urlFor } = service;
    await work({
      ...bench,
      service,
      asking: (settings = {}, annotations = {}) =>
        enforced({ revocation: 'online', ...settings }, { annotations }, urlFor),
    });
  });
}

const online = { revocation: 'online' } as const;

/** What the service said to whom, as the door showed it. */
function seen({ hosts, verdict, reasons, onlineProvenAt }: DetailedProbeReport) {
  const checks = hosts.flatMap((host) => host.checks);
  const statusOf = (name: string) => {
    const answer = checks.find((check) => check.name === name)?.answer;
    return answer?.kind === 'http' ? answer.status : answer?.kind;
  };
  return {
    ours: statusOf('our-certificate'),
    revoked: statusOf('revoked-certificate'),
    verdict,
    codes: reasons.map(({ code }) => code),
    proven: onlineProvenAt !== undefined,
  };
}

doorTest(
  'a door that asks is confirmed and proven: the CRL knows nothing of the revoked one',
  async (scene) => {
    for (const mode of ['on', 'optional'] as const) {
      const target = scene.asking({ mode });
      scene.service.set({ certificateRequired: mode === 'on' });
      await scene.serve([target]);
      const report = await scene.probe(target, { ...online, mode });
      assert.deepEqual(seen(report), {
        ours: 200,
        revoked: 403,
        verdict: 'confirmed',
        codes: [],
        proven: true,
      });
      assert.deepEqual(report.onlineProvenAt, report.probedAt);
    }
  },
);

doorTest('without a CRL in the Secret it is the same: nothing depends on it', async (scene) => {
  const target = scene.asking();
  await scene.serve([target], [await scene.secret({ crl: '' })]);
  assert.deepEqual(seen(await scene.probe(target, online)).proven, true);
});

doorTest('the CRL alone is asked about no such thing, and nobody is revoked for it', async (scene) => {
  const before = scene.revoked.size;
  const target = enforced({});
  await scene.serve([target]);
  const report = seen(await scene.probe(target, {}));
  assert.deepEqual([report.revoked, report.verdict, report.proven], [undefined, 'confirmed', false]);
  assert.equal(scene.revoked.size, before);
});

doorTest('a controller that does not ask lets the revoked one in', async (scene) => {
  const target = scene.asking();
  await scene.serve([enforced({})]);
  assert.deepEqual(seen(await scene.probe(target, online)), {
    ours: 200,
    revoked: 200,
    verdict: 'contradicted',
    codes: ['revoked-let-in'],
    proven: false,
  });
});

doorTest('so does one that heeds the answer of somebody else instead', async (scene) => {
  const target = scene.asking({}, { satisfy: 'any' });
  await scene.serve([target]);
  const report = seen(await scene.probe(target, online));
  assert.deepEqual([report.codes, report.proven], [['revoked-let-in'], false]);
});

doorTest('a replica may hear of a revocation a moment later', async (scene) => {
  const target = scene.asking();
  await scene.serve([target]);
  scene.service.set({ hearsFrom: performance.now() + 1_500 });
  assert.deepEqual(seen(await scene.probe(target, online)).proven, true);
});

doorTest('a door that cannot ask refuses everybody, and that is said', async (scene) => {
  const target = scene.asking({}, {});
  const url = target.metadata.annotations?.[`${prefix}auth-url`]?.replace(/:\d+/, ':9');
  const metadata = {
    ...target.metadata,
    annotations: { ...target.metadata.annotations, [`${prefix}auth-url`]: url ?? '' },
  };
  const lost = { ...target, metadata };
  await scene.serve([lost]);
  assert.deepEqual(seen(await scene.probe(lost, online)), {
    ours: 500,
    revoked: 500,
    verdict: 'contradicted',
    codes: ['online-unavailable'],
    proven: false,
  });
});

doorTest('a refusal of all says nothing about the revoked', async (scene) => {
  const target = scene.asking();
  await scene.serve([target]);
  scene.service.set({ deaf: true });
  assert.deepEqual(seen(await scene.probe(target, online)), {
    ours: 403,
    revoked: 403,
    verdict: 'inconclusive',
    codes: ['online-undecided'],
    proven: false,
  });
});

doorTest(
  'rules for others turn the probe away as wished, and the revoked one otherwise: proven',
  async (scene) => {
    const allow = [{ commonName: 'alice' }];
    const target = scene.asking({ allow });
    await scene.serve([target]);
    scene.service.set({ allow });
    const refused = seen(await scene.probe(target, { ...online, allow }));
    assert.deepEqual(refused, { ours: 401, revoked: 403, verdict: 'confirmed', codes: [], proven: true });
    scene.service.set({ deaf: true });
    const deaf = seen(await scene.probe(target, { ...online, allow }));
    assert.deepEqual(deaf, { ours: 403, revoked: 403, verdict: 'confirmed', codes: [], proven: false });
    scene.service.set({});
    assert.deepEqual(seen(await scene.probe(target, { ...online, allow })).codes, ['allow-not-heeded']);
  },
);

doorTest('rules that let the probe in prove it', async (scene) => {
  const allow = [{ commonName: 'alice' }, { commonName: 'internal-ca-probe' }];
  const target = scene.asking({ allow });
  await scene.serve([target]);
  scene.service.set({ allow });
  assert.deepEqual(seen(await scene.probe(target, { ...online, allow })).proven, true);
});
