// The page's exchange with its server. stream() reads the live frames from /events and reports whether the connection
// works. The browser reconnects by itself while the server is away; if it gives up because the answer is not a stream,
// this shows why and tries again. Frames come four times a second; a connection without them counts as lost. A page that
// has been hidden for a while closes its stream, because a browser allows few connections per server, and opens it again
// when it becomes visible.
import { streamRefusal } from '../shared/api.js';

const pause = 2000; // ms
const longestHidden = 60000; // ms
const longestSilence = 3000; // ms

export const stream = (onFrame, onConnection) => {
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
    const why = await streamRefusal();
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
