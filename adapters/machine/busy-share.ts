import { performance } from 'node:perf_hooks';

/**
 * Answers, whenever it is asked, for which part of the time since it was last asked the event loop
 * was busy or waited for a processor: 0 to 1.
 */
export function busyShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
