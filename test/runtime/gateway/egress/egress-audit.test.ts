import fc from 'fast-check';
import { EgressAudit } from '../../../../runtime/gateway/egress/egress-audit';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { recordingLog, until } from '../support';

const refusal = (destination: string) => ({ method: 'CONNECT', destination, reason: 'not allowed' });

function audit(windowMs?: number) {
  const log = recordingLog();
  const made = new EgressAudit(embeddedMetrics('Agents', log), windowMs);
  const lines = () => log.lines.map(({ fields }) => [fields.destination, fields.EgressRefused]);
  return { audit: made, lines, log };
}

test('each destination is told at once, as a metric and with what is known of it', () => {
  const { audit: made, log } = audit();
  made.refused(refusal('a.example.com:443'));
  expect(log.lines).toEqual([
    {
      level: 'info',
      event: 'egress-refused',
      fields: expect.objectContaining({ ...refusal('a.example.com:443'), Service: 'Agents', EgressRefused: 1 }),
    },
  ]);
});

test('repetitions are told together when the window ends, and the next window begins anew', async () => {
  const { audit: made, lines } = audit(20);
  for (let times = 0; times < 1_000; times++) made.refused(refusal('a.example.com:443'));
  expect(lines()).toEqual([['a.example.com:443', 1]]);
  await until(() => lines().length === 2, 'the end of the window');
  expect(lines()[1]).toEqual(['a.example.com:443', 999]);
  made.refused(refusal('a.example.com:443'));
  expect(lines()[2]).toEqual(['a.example.com:443', 1]);
});

test('a flood of names is bounded in lines and whole in its count', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 2_000 }), (hosts) => {
      const { audit: made, lines } = audit();
      for (const host of hosts) made.refused(refusal(`host-${host}:443`));
      made.flush();
      expect(lines().length).toBeLessThanOrEqual(101);
      expect(lines().reduce((sum, [, count]) => sum + Number(count), 0)).toBe(hosts.length);
    }),
  );
});
