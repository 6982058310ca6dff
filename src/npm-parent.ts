/**
 * `npm start` does not pass SIGTERM on: npm goes, and the service would live on as an orphan that holds its port and
 * its database. So when npm started us and our parent changes, we stop as if we had been told to.
 * @param gone called once
 */
export function watchNpmParent(env: NodeJS.ProcessEnv, gone: () => void): void {
  if (env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, 500);
  timer.unref();
}
