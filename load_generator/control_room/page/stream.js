// The live stream: frames as they come from /events, and whether there is a connection. The browser reconnects by
// itself while the server is away; where it gives up (an answer that is no stream), this begins anew.
'use strict';

{
  const pause = 2000; // ms

  Lab.listen = (onFrame, onConnection) => {
    const source = new EventSource('/events');
    source.onopen = () => onConnection(true);
    source.onmessage = (message) => onFrame(JSON.parse(message.data));
    source.onerror = () => {
      onConnection(false);
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      setTimeout(() => Lab.listen(onFrame, onConnection), pause);
    };
  };

  const answerOf = async (response) => {
    try {
      return await response.json();
    } catch {
      return { error: `the server answered ${response.status}, and nothing that can be read` };
    }
  };

  // { done: 'a sentence' } or { error: 'a sentence' }: whatever happens, an answer to show.
  Lab.order = async (path, body) => {
    const token = document.querySelector('meta[name="token"]').content;
    const headers = { 'Content-Type': 'application/json', 'X-Control-Token': token };
    try {
      const answer = await answerOf(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }));
      return answer.done || answer.error ? answer : { error: 'the server gave no answer that can be read' };
    } catch {
      return { error: 'the server cannot be reached: is the control room still running?' };
    }
  };

  // The document, or null where there is none to be had.
  Lab.fetchJson = async (path) => {
    try {
      const response = await fetch(path);
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  };
}
