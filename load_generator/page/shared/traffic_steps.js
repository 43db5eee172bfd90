// Calls in steps of time, as the chart draws them: { from, to, answered, failed, unanswered, blocked }, in calls per second.
//   answered, failed   by the upstream's record;  blocked  by a breaker
//   unanswered         the caller got no answer: the upstream was silent, or the instance
// `traffic` has counts per step: of a run's file (trafficOf), or of the live updates. Pure.
import { isUnanswered } from './run_calls.js';
import { at } from './text.js';

// The traffic of a finished run. Its file says for each step what the upstream received and failed; which calls got no
// answer is in the list of calls, or in older files in the marks, which lack calls that no instance received.
export const trafficOf = (run) => {
  const { step_ms: step, upstream_calls: received } = run.traffic;
  const unanswered = received.map(() => 0);
  const silent = received.map(() => 0);
  for (const call of (run.calls ?? run.marks).filter(isUnanswered)) {
    const index = Math.max(0, Math.min(received.length - 1, Math.floor(at(call) / step)));
    unanswered[index] += 1;
    silent[index] += call.status === 'exception' ? call.upstream_calls ?? 1 : 0;
  }
  return { ...run.traffic, unanswered, upstream_unanswered: silent, until: run.length_ms, is_finished: true };
};

// A step that is not over by traffic.until is left out: it would look like a drop. In a finished run it makes the last whole
// step longer instead, so that the chart ends with the run.
export const stepsOf = (traffic) => {
  const { step_ms: length, first_step: first = 0, until, is_finished: isFinished = false } = traffic;
  const { upstream_calls: received, upstream_failures: failures, blocked } = traffic;
  const { unanswered = [], upstream_unanswered: silent = [] } = traffic;
  const whole = Math.max(0, Math.min(received.length, Math.floor(until / length) - first));
  const count = isFinished && whole === 0 ? Math.min(1, received.length) : whole;
  return Array.from({ length: count }, (_, i) => {
    const isLast = isFinished && i === count - 1;
    const from = (first + i) * length;
    const to = isLast ? Math.max(until, from + 1) : from + length;
    const end = isLast ? received.length : i + 1;
    const perSecond = (numbers) => (numbers.slice(i, end).reduce((sum, each) => sum + each, 0) * 1000) / (to - from);
    const lost = Math.min(perSecond(silent), perSecond(failures));
    return { from, to, answered: perSecond(received) - perSecond(failures), failed: perSecond(failures) - lost,
      unanswered: perSecond(unanswered), blocked: perSecond(blocked) };
  });
};

// The last step that is over by `time`.
export const lastStepBy = (steps, time) => steps.findLast(({ to }) => to <= time);
