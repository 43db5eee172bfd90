// Stands between a page and its server and passes on what either sends, until it is cut: then every connection ends,
// and new ones end at once, as where a network breaks.
import { once } from 'node:events';
import net from 'node:net';

export const startRelay = async (serverUrl) => {
  const sockets = new Set();
  let isCut = false;
  const relay = net.createServer((client) => {
    if (isCut) return client.destroy();
    const server = net.connect(new URL(serverUrl).port, '127.0.0.1');
    for (const [socket, other] of [[client, server], [server, client]]) {
      sockets.add(socket);
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server).pipe(client);
  });
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    url: `http://127.0.0.1:${relay.address().port}`,
    cut,
    mend: () => { isCut = false; },
    stop: () => {
      cut();
      relay.close();
    },
  };
};
