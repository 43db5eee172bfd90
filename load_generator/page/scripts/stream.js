// The page's exchange with its server. Lab.stream() reads the live frames from /events and reports whether the connection
// works. The browser reconnects by itself while the server is away; if it gives up because the answer is not a stream,
// this shows why and tries again. Frames come four times a second; a connection without them counts as lost. A page that
// has been hidden for a while closes its stream, because a browser allows few connections per server, and opens it again
// when it becomes visible.
'use strict';

{
  const pause = 2000; // ms
  const patience = 10000; // ms
  const longestHidden = 60000; // ms
  const longestSilence = 3000; // ms

  // Why there is no stream, in the server's words; '' if there is one, or no answer.
  const refusal = async () => {
    try {
      const response = await fetch('/events', { signal: AbortSignal.timeout(patience) });
      if (!response.ok) return (await answerOf(response)).error || '';
      await response.body.cancel();
    } catch {
      // The connection is lost, for an unknown reason.
    }
    return '';
  };

  Lab.stream = (onFrame, onConnection) => {
    let source = null;
    let timer = 0;
    let receivedAt = 0;
    let checkedAt = 0;
    const noteReceived = () => {
      receivedAt = performance.now();
    };
    const open = () => {
      source = new EventSource('/events');
      source.onopen = () => {
        noteReceived();
        onConnection(true);
      };
      source.onmessage = (message) => {
        noteReceived();
        onFrame(JSON.parse(message.data));
      };
      source.onerror = () => (source?.readyState === EventSource.CLOSED ? restart() : onConnection(false));
    };
    const restart = async () => {
      source = null;
      const why = await refusal();
      if (source !== null) return;
      onConnection(false, why || undefined);
      if (!document.hidden) timer = setTimeout(open, pause);
    };
    // A late check means that the page was asleep, not that the server was silent.
    const checkForSilence = () => {
      const now = performance.now();
      if (document.hidden || now - checkedAt > 1500) noteReceived();
      checkedAt = now;
      if (source?.readyState === EventSource.OPEN && now - receivedAt > longestSilence) onConnection(false, 'no updates for three seconds, waiting');
    };
    setInterval(checkForSilence, 500);
    const close = () => {
      source?.close();
      source = null;
    };
    document.addEventListener('visibilitychange', () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(close, longestHidden);
      else if (source === null) open();
    });
    open();
  };

  const answerOf = async (response) => {
    try {
      return await response.json();
    } catch {
      return { error: `the server answered ${response.status} without a readable message` };
    }
  };

  // Asks the server for a change. Always returns an answer to show: { done: 'a sentence' } or { error: 'a sentence' }, with
  // `late` if none came in time.
  Lab.request = async (path, body) => {
    const token = document.querySelector('meta[name="token"]').content;
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

  // The document, or null if it cannot be read.
  Lab.fetchJson = async (path) => {
    try {
      const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  };

  // Likewise, of a run that may not exist: a request for a missing one would be an error in the browser's console.
  Lab.fetchRun = async (name) => {
    const runs = await Lab.fetchJson('/runs');
    return runs?.includes(name) ? Lab.fetchJson(`/runs/${encodeURIComponent(name)}`) : null;
  };

  // Distinguishes a run from another one of the same name: two runs hardly ever measure the same.
  Lab.fingerprint = (run) => (run === null ? '' : JSON.stringify([run.length_ms, run.measures]));
}
