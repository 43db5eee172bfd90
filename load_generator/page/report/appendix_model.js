// What the appendix says about how runs came about: settings and provenance. Older files have neither. Pure.

export const notRecorded = 'not recorded';
const usual = 'default';
const worlds = { real: 'real programs, in real time', simulated: 'in virtual time' };

const names = (runs) => [...new Set(runs.flatMap(({ settings }) => Object.keys(settings ?? {})))];

const cellOf = (run, name) => {
  if (!run.settings) return notRecorded;
  return Object.hasOwn(run.settings, name) ? String(run.settings[name]) : usual;
};

// [{ name, cells }], one cell for each run; empty if no file has settings.
export const settingRows = (runs) => names(runs).map((name) => ({ name, cells: runs.map((run) => cellOf(run, name)) }));

const when = (at) => (at === undefined ? notRecorded : `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`);

// [['date', text], ...] of a run. In virtual time date and machine do not matter, so they are not recorded.
export const playedRows = ({ played }) => {
  if (!played) return ['date', 'time', 'version', 'machine', 'command'].map((name) => [name, notRecorded]);
  return [['date', when(played.at)], ['time', worlds[played.world] ?? notRecorded], ['version', played.version ?? notRecorded],
    ['machine', played.machine ?? notRecorded], ['command', played.command ?? notRecorded]];
};
