// The live stream: frames as they come from /events, and whether there is a connection. The browser reconnects by
// itself while the server is away; where it gives up (an answer that is no stream), this says why, and begins anew.
// Frames come four times a second; where they stay away, the connection is worth nothing. A page that has been hidden
// for a while lets its stream go, for a browser has only so many connections to a server, and takes it up again when it
// is looked at.
'use strict';

{
  const pause = 2000; // ms
  const patience = 10000; // ms
  const longestHidden = 60000; // ms
  const longestSilence = 3000; // ms

  // Why there is no stream, in the server's words; '' where there is one, or nobody answers.
  const refusal = async () => {
    try {
      const response = await fetch('/events', { signal: AbortSignal.timeout(patience) });
      if (!response.ok) return (await answerOf(response)).error || '';
      await response.body.cancel();
    } catch {
      // Then it is lost, and that is all that is known.
    }
    return '';
  };

  Lab.listen = (onFrame, onConnection) => {
    let source = null;
    let timer = 0;
    let heardAt = 0;
    let lookedAt = 0;
    const hear = () => {
      heardAt = performance.now();
    };
    const open = () => {
      source = new EventSource('/events');
      source.onopen = () => {
        hear();
        onConnection(true);
      };
      source.onmessage = (message) => {
        hear();
        onFrame(JSON.parse(message.data));
      };
      source.onerror = () => (source?.readyState === EventSource.CLOSED ? beginAnew() : onConnection(false));
    };
    const beginAnew = async () => {
      source = null;
      const why = await refusal();
      if (source !== null) return;
      onConnection(false, why || undefined);
      if (!document.hidden) timer = setTimeout(open, pause);
    };
    // Whoever looks late was asleep, and does not know how long the server was silent.
    const lookForSilence = () => {
      const now = performance.now();
      if (document.hidden || now - lookedAt > 1500) hear();
      lookedAt = now;
      if (source?.readyState === EventSource.OPEN && now - heardAt > longestSilence) onConnection(false, 'no news for three seconds, waiting');
    };
    setInterval(lookForSilence, 500);
    const letGo = () => {
      source?.close();
      source = null;
    };
    document.addEventListener('visibilitychange', () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(letGo, longestHidden);
      else if (source === null) open();
    });
    open();
  };

  const answerOf = async (response) => {
    try {
      return await response.json();
    } catch {
      return { error: `the server answered ${response.status}, and nothing that can be read` };
    }
  };

  // { done: 'a sentence' } or { error: 'a sentence' }: whatever happens, an answer to show; late where none came in time.
  Lab.order = async (path, body) => {
    const token = document.querySelector('meta[name="token"]').content;
    const headers = { 'Content-Type': 'application/json', 'X-Control-Token': token };
    try {
      const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(patience) });
      if (response.status === 403) location.reload(); // our token is of a server before this one, which has a page of its own
      const answer = await answerOf(response);
      return answer.done || answer.error ? answer : { error: 'the server gave no answer that can be read' };
    } catch (fault) {
      if (fault.name === 'TimeoutError') return { late: true, error: 'no answer in ten seconds: perhaps too many tabs of this page are open' };
      return { error: 'the server cannot be reached: is the control room still running?' };
    }
  };

  // The document, or null where there is none to be had.
  Lab.fetchJson = async (path) => {
    try {
      const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  };

  // Likewise, of a run that may not be there: to ask for what is not there would be an error in the browser's console.
  Lab.fetchRun = async (name) => {
    const runs = await Lab.fetchJson('/runs');
    return runs?.includes(name) ? Lab.fetchJson(`/runs/${encodeURIComponent(name)}`) : null;
  };

  // What tells a run from another one of its name: what was measured is hardly ever the same twice.
  Lab.signOf = (run) => (run === null ? '' : JSON.stringify([run.length_ms, run.measures]));
}
