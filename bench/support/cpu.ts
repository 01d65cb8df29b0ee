import { readFileSync } from 'node:fs';

/** Of a second, in `/proc/<pid>/stat`; the same on every Linux in use. */
const ticksPerSecond = 100;

/**
 * Seconds of CPU that these processes have used in all their threads; undefined where the system
 * does not tell (anything but Linux) or one of them is gone.
 */
export function cpuSeconds(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => {
      // Behind the name, which is in brackets and may contain anything: state is field 3.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }, 0);
  } catch {
    return undefined;
  }
}
