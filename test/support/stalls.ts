/**
 * How long this process's event loop stands still at most, in milliseconds of the main thread's own CPU: the wall clock would count
 * what other processes take from a busy machine.
 */
export function watchStalls(): { stop(): number } {
  let last = process.threadCpuUsage();
  let longest = 0;
  const measure = (): void => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
  };
  const timer = setInterval(measure, 1);
  return {
    stop() {
      clearInterval(timer);
      measure();
      return longest;
    },
  };
}
