// What kinds of marks there are, and their names. In drawing order: a successful probe's disc must not hide a failed one's
// ring. Pure.
export const kindNames = {
  failure: ['failure', 'failures'],
  unanswered: ['call without an answer', 'calls without an answer'],
  late: ['late result', 'late results'],
  probe_succeeded: ['successful probe', 'successful probes'],
  probe_failed: ['failed probe', 'failed probes'],
};

export const kindOf = (mark) => {
  if (mark.late) return 'late';
  if (mark.probe) return mark.status === 'success' ? 'probe_succeeded' : 'probe_failed';
  return mark.status === 'failure' ? 'failure' : 'unanswered';
};
