/** How often to look. */
const everyMs = 2;

/**
 * The longest time for which the event loop stood still, in milliseconds of this thread's own CPU: what other processes take
 * from a busy machine does not count, and nothing here waits for anything while it holds the loop.
 */
export function watchStalls(): { longest(): number; stop(): void } {
  let last = process.threadCpuUsage();
  let longest = 0;
  const look = (): void => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, (now.user + now.system - last.user - last.system) / 1000);
    last = now;
  };
  const timer = setInterval(look, everyMs);
  return {
    /** Since the last time that this was asked. */
    longest() {
      look();
      const found = longest;
      longest = 0;
      return found;
    },
    stop: () => clearInterval(timer),
  };
}
