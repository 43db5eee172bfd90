// Requests to the page's server: changes with the token that only its page has, and documents.
import { allOf } from './text.js';

const patience = 10000; // ms

const answerOf = async (response) => {
  try {
    return await response.json();
  } catch {
    return { error: `the server answered ${response.status} without a readable message` };
  }
};

// Asks the server for a change. Always returns an answer to show: { done: 'a sentence' } or { error: 'a sentence' }, with
// `late` if none came in time.
export const request = async (path, body) => {
  const [{ content: token }] = allOf('meta[name="token"]');
  const headers = { 'Content-Type': 'application/json', 'X-Control-Token': token };
  try {
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(patience) });
    if (response.status === 403) location.reload(); // the token is of an earlier server; the new one has a new page
    const answer = await answerOf(response);
    return answer.done || answer.error ? answer : { error: 'the server gave no readable answer' };
  } catch (fault) {
    if (fault.name === 'TimeoutError') return { late: true, error: 'no answer in ten seconds: perhaps too many tabs of this page are open' };
    return { error: 'the server cannot be reached: is the control room still running?' };
  }
};

// Why there is no stream of updates, in the server's words; '' if there is one, or no answer.
export const streamRefusal = async () => {
  try {
    const response = await fetch('/events', { signal: AbortSignal.timeout(patience) });
    if (!response.ok) return (await answerOf(response)).error || '';
    await response.body.cancel();
  } catch {
    // The connection is lost, for an unknown reason.
  }
  return '';
};

// The document, or null if it cannot be read.
export const fetchJson = async (path) => {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
};

// The document, or { error: 'a sentence' } if the server refuses, or cannot be reached.
export const ask = async (path) => {
  try {
    return await answerOf(await fetch(path, { signal: AbortSignal.timeout(patience) }));
  } catch {
    return { error: 'the server cannot be reached: is the control room still running?' };
  }
};

// { instances: 10 } -> 'instances=10'
export const queryOf = (values) => String(new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)])));

// A run's document, or null. It may not exist, and a request for a missing one would be an error in the browser's console.
export const fetchRun = async (name) => {
  const runs = await fetchJson('/runs');
  return runs?.includes(name) ? fetchJson(`/runs/${encodeURIComponent(name)}`) : null;
};

// Distinguishes a run from another one of the same name: two runs hardly ever measure the same.
export const fingerprint = (run) => (run === null ? '' : JSON.stringify([run.length_ms, run.measures]));
