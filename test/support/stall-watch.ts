import { writeFileSync } from 'node:fs';

/**
 * Loaded into the service by `--import`: measures how long its event loop stands still, in milliseconds of the main thread's own
 * CPU. The wall clock would count what other processes take from a busy machine; the service does no blocking I/O
 * while it serves, so what holds up its loop is its own computing.
 *
 * SIGUSR2 writes the longest stall since the last one to `STALL_REPORT` and begins anew. The first one has the loading of the program in
 * it: half a second of Node's own work, whatever there is to serve.
 */
const report = process.env.STALL_REPORT ?? '';
let last = process.threadCpuUsage();
let longest = 0;

function measure(): void {
  const { user, system } = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  longest = Math.max(longest, (user + system) / 1000);
}

setInterval(measure, 5).unref();
process.on('SIGUSR2', () => {
  measure();
  writeFileSync(report, String(longest));
  longest = 0;
});
