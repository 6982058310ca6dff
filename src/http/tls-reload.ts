import type { TlsIdentity } from './tls-identity.ts';

export interface TlsReloadOptions {
  readonly read: () => Promise<TlsIdentity>;
  /** The one in use. */
  readonly current: TlsIdentity;
  /** Takes the new one into use; new connections see it, old ones go on. */
  readonly onChanged: (identity: TlsIdentity) => void;
  /** The files are no good, twice in a row, and the identity in use is kept. Called once per fault. */
  readonly onFailed: (error: unknown) => void;
  /** Default: 10,000. The kubelet itself takes up to a minute to bring a new Secret into the pod. */
  readonly intervalMilliseconds?: number;
}

export interface TlsReload {
  close(): void;
}

/**
 * Looks at the files from time to time. Not by watching them: the kubelet swaps a symbolic link two directories up,
 * network file systems tell nobody, and two small files cost nothing to read.
 */
export function startTlsReload(options: TlsReloadOptions): TlsReload {
  const { read, onChanged, onFailed, intervalMilliseconds = 10_000 } = options;
  let { current } = options;
  let fault: string | undefined;
  let told: string | undefined;
  let looking = false;

  async function look(): Promise<void> {
    try {
      const found = await read();
      if (found.certificate !== current.certificate || found.key !== current.key) onChanged(found);
      current = found;
      fault = undefined;
      told = undefined;
    } catch (error) {
      // Read between the writing of the one and of the other, a pair does not match; the next look settles it.
      const message = String(error);
      if (message === fault && message !== told) {
        told = message;
        onFailed(error);
      }
      fault = message;
    }
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, intervalMilliseconds);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
