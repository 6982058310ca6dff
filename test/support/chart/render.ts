import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { isObject, type JsonObject } from '../kubernetes/json.ts';
import { findTool } from '../skip.ts';

export const chartDirectory = fileURLToPath(new URL('../../../helm/internal-ca', import.meta.url));

export interface Rendering {
  /** `key=value` as `--set` takes them. */
  readonly set?: readonly string[];
  /** Files of values below `helm/internal-ca/ci`. */
  readonly values?: readonly string[];
  readonly namespace?: string;
  /** The version of Kubernetes to render for. */
  readonly kubeVersion?: string;
}

/** The objects that the chart makes as release `internal-ca`; hooks (`helm test`) included. Throws what helm says. */
export function renderChart(rendering: Rendering = {}): JsonObject[] {
  const text = execFileSync(helm(), templateArguments(rendering), { encoding: 'utf8', stdio: 'pipe' });
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS() as unknown)
    .filter(isObject);
}

/** What helm says when it refuses these values; undefined when it renders them. */
export function refusalOf(rendering: Rendering): string | undefined {
  const { status, stderr } = spawnSync(helm(), templateArguments(rendering), { encoding: 'utf8' });
  return status === 0 ? undefined : stderr;
}

/** The names of the files in `ci/`: one installation each. */
export function valuesFiles(): string[] {
  return readdirSync(`${chartDirectory}/ci`).filter((name) => name.endsWith('-values.yaml'));
}

function templateArguments({ set = [], values = [], namespace, kubeVersion }: Rendering): string[] {
  return [
    'template',
    'internal-ca',
    chartDirectory,
    '--namespace',
    namespace ?? 'internal-ca',
    ...values.flatMap((name) => ['--values', `${chartDirectory}/ci/${name}`]),
    ...set.flatMap((value) => ['--set', value]),
    ...(kubeVersion === undefined ? [] : ['--kube-version', kubeVersion]),
  ];
}

const helm = (): string => findTool('helm') ?? 'helm';
