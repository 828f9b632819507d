import { createServer } from 'node:net';
import { createEgressProxy } from '../../../../runtime/gateway/egress/egress-proxy';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { connectOutside } from '../../../../runtime/gateway/egress/outside-connection';
import { close, listening, recordingLog } from '../support';
import { attack, expectHttpAnswers, hostileRequest } from './hostile-http';

test('10,000 hostile requests: no crash, no hang, and nobody gets out', async () => {
  let reached = 0;
  const outside = await listening(createServer((socket) => void ((reached += 1), socket.destroy())));
  const host = `127.0.0.1:${outside.port}`;
  const log = recordingLog();
  const egress = createEgressProxy({
    // Even these lead nowhere: they are addresses of the task itself.
    allow: new Set([host, `localhost:${outside.port}`, `[::ffff:7f00:1]:${outside.port}`, '169.254.170.2:80']),
    connect: connectOutside,
    idleTimeoutSeconds: 10,
    metrics: embeddedMetrics('Agents', log),
    log,
  });
  const proxy = await listening(egress.server);
  const request = hostileRequest({
    targets: [
      host,
      `http://${host}/`,
      `https://${host}/`,
      `localhost:${outside.port}`,
      `[::ffff:127.0.0.1]:${outside.port}`,
      '169.254.170.2:80',
      '/',
    ],
    headers: [`Host: ${host}`, 'Proxy-Authorization: Basic eDp5', 'Proxy-Connection: keep-alive'],
    bodies: ['\u0016\u0003\u0001\u0002', `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
  });
  let refused = 0;
  try {
    await attack(proxy.port, request, (exchanges) => {
      expectHttpAnswers(exchanges);
      for (const { answer } of exchanges) {
        if (/^HTTP\/1\.1 403 /.test(answer)) refused += 1;
        if (/^HTTP\/1\.1 2/.test(answer)) throw new Error(`the proxy said yes: ${answer.slice(0, 200)}`);
      }
    });
    expect(refused).toBeGreaterThan(1_000);
    expect(reached).toBe(0);
  } finally {
    egress.stop();
    await close(proxy.server);
    await close(outside.server);
  }
}, 180_000);
