import { createServer, type Server } from 'node:http';
import { Address } from '../../lab/namespace';

/** Somebody outside, at one port, who keeps what it was asked. */
export class Outsider {
  /** Method and path of each request. */
  readonly asked: string[] = [];
  private readonly server: Server;

  constructor(status = 200) {
    this.server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":{"message":"not today"}}');
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.server.listen(port, Address.AWS, resolve));
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
