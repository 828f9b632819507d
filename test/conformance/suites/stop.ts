import { once } from 'node:events';
import net from 'node:net';
import { Port } from '../../../runtime/contract';
import type { Deployed } from '../deployed';

/** Stops the service as ECS does: nothing of it may be asked afterwards. */
export function stopSuite(deployed: Deployed): void {
  describe('a task that is stopped', () => {
    test('ends by itself while a load balancer still holds connections: Letta first, then the gateway', async () => {
      const task = deployed.lab.service!;
      const unused = net.connect(Port.API, task.address);
      await once(unused, 'connect');
      const idle = net.connect(Port.API, task.address, () =>
        idle.write('GET /v1/health/ HTTP/1.1\r\nHost: letta\r\n\r\n'),
      );
      expect(String((await once(idle, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
      const closed = Promise.all([unused, idle].map((socket) => once(socket.resume(), 'close')));

      await task.stop('the lab stops the service');
      await closed;
      const log = task.container('gateway').log.lines();
      const at = (event: string) => log.find(({ message }) => message.includes(`"${event}"`))?.timestamp ?? NaN;
      // Its limit is 110 s; with nothing in flight it has no reason to wait for it.
      expect(at('gateway-stopped') - at('gateway-stopping')).toBeLessThan(30_000);
      expect(task.exitCodes()).toEqual({ gateway: 0, letta: expect.any(Number) });
      expect(task.exitCodes().letta).not.toBe(137);
    }, 240_000);
  });
}
