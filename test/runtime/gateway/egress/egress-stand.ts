import { connect, createServer, Server, Socket } from 'node:net';
import { createEgressProxy } from '../../../../runtime/gateway/egress/egress-proxy';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { close, listening, recordingLog, until } from '../support';

export const TO_DESTINATION = 'CONNECT mcp.example.com:443 HTTP/1.1\r\nHost: mcp.example.com:443\r\n\r\n';

interface ProxySettings {
  readonly idleTimeoutSeconds?: number;
  readonly halfOpenTimeoutSeconds?: number;
  /** Waited for before a connection to the destination is tried. */
  readonly before?: () => Promise<unknown>;
}

/**
 * A proxy that lets out to one name. What a name leads to is `outside-connection`'s business: here it is a server of the
 * test. All of it is ended by `end`.
 */
export class EgressStand {
  private readonly toEnd: (() => unknown)[] = [];

  async proxy(destinationPort: number, { before, ...settings }: ProxySettings = {}) {
    const log = recordingLog();
    const proxy = createEgressProxy({
      allow: new Set(['mcp.example.com:443', 'mcp.example.com:80']),
      connect: async () => {
        await before?.();
        const socket = connect({ port: destinationPort, host: '127.0.0.1', allowHalfOpen: true });
        await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
        return socket;
      },
      idleTimeoutSeconds: 10,
      ...settings,
      metrics: embeddedMetrics('Agents', log),
      log,
    });
    const { port } = await listening(proxy.server);
    this.atEnd(() => proxy.stop());
    return { proxy, port, log };
  }

  async destination(serve: (socket: Socket) => void) {
    /** Those that have not been ended from the other side. */
    const sockets = new Set<Socket>();
    const all: Socket[] = [];
    const made = await listening(
      createServer({ allowHalfOpen: true }, (socket) => {
        all.push(socket);
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('end', () => sockets.delete(socket)).once('close', () => sockets.delete(socket));
        serve(socket);
      }),
    );
    this.atEnd(() => {
      all.forEach((socket) => socket.destroy());
      return close(made.server);
    });
    return { ...made, sockets, all };
  }

  /** A connection to the proxy that has said where it wants to go. */
  async client(port: number, said: string) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.atEnd(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(said, 'latin1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  /** A tunnel that stands; `early` is sent with the request itself. */
  async tunnel(port: number, early = '') {
    const socket = await this.client(port, TO_DESTINATION + early);
    let received = '';
    let ended = false;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('end', () => (ended = true)).on('close', () => (ended = true));
    const head = 'HTTP/1.1 200 Connection Established\r\n\r\n';
    await until(() => received.startsWith(head), 'the tunnel');
    return { socket, received: () => received.slice(head.length), ended: () => ended };
  }

  /** Until no client is connected to the server. */
  async gone(server: Server): Promise<void> {
    let open = 1;
    await until(() => {
      server.getConnections((_error, count) => (open = count));
      return open === 0;
    }, 'the end of every client');
  }

  atEnd(end: () => unknown): void {
    this.toEnd.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.toEnd.splice(0).reverse()) await end();
  }
}
