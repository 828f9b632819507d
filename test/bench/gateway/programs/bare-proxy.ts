import { createServer } from 'node:http';
import { Pool } from 'undici';

/** The yardstick: what a reverse proxy costs in Node that does nothing but pass on. `bare-proxy.js PORT UPSTREAM_PORT` */
const [port, upstreamPort] = process.argv.slice(2).map(Number);
const upstream = new Pool(`http://127.0.0.1:${upstreamPort}`);

createServer((request, response) => {
  const body = request.method === 'GET' ? null : request;
  const { method, url, headers } = request;
  upstream.dispatch(
    { method: method as 'GET', path: url ?? '/', headers: { ...headers, connection: undefined }, body },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_, status, answered) => void response.writeHead(status, answered),
      onResponseData: (active, chunk) => {
        if (response.write(chunk)) return;
        active.pause();
        response.once('drain', () => active.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
}).listen(port, '127.0.0.1', () => console.log('ready'));
