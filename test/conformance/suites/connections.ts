import { readFileSync } from 'node:fs';
import { DatabaseRole } from '../../../runtime/contract';
import { processesOf } from '../../lab/processes';
import type { Deployed } from '../deployed';

/** What everybody else saw of the deployment. Runs last: it judges all that went before. */
export function connectionsSuite(deployed: Deployed): void {
  describe('the database', () => {
    test('was set up by the master, and afterwards seen by roles with IAM tokens only', () => {
      const { sessions } = deployed.lab.services.databaseFront;
      const firstToken = sessions.findIndex(({ role }) => role !== undefined);
      expect(firstToken).toBeGreaterThan(0);
      expect(new Set(sessions.slice(0, firstToken).map(({ user }) => user))).toEqual(
        new Set([deployed.lab.services.master.username]),
      );
      const later = sessions.slice(firstToken);
      expect(later.filter(({ role }) => role === undefined)).toEqual([]);
      expect(new Set(later.map(({ user }) => user))).toEqual(new Set([DatabaseRole.MIGRATOR, DatabaseRole.RUNTIME]));
    });

    test('let each role in with the token of its own task alone', () => {
      const pairs = deployed.lab.services.databaseFront.sessions
        .filter(({ role }) => role !== undefined)
        .map(({ user, role }) => `${user} ${role}`);
      expect(new Set(pairs)).toEqual(
        new Set([
          `${DatabaseRole.MIGRATOR} ${deployed.lab.taskRole('Migration/Task/Definition/Resource')}`,
          `${DatabaseRole.RUNTIME} ${deployed.lab.taskRole('Service/Task/Definition/Resource')}`,
        ]),
      );
    });

    test('had TLS sessions only, and none that was refused', () => {
      const { sessions, refused } = deployed.lab.services.databaseFront;
      expect(sessions.filter(({ protocol }) => !/^TLSv1\.[23]$/.test(protocol ?? ''))).toEqual([]);
      expect(refused).toEqual([]);
    });

    test('says the same of itself', async () => {
      const rows = await deployed.lab.services.postgres.sql<{ usename: string; ssl: boolean }>(
        `SELECT a.usename, s.ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
         WHERE a.datname = 'letta' AND a.client_addr IS NOT NULL`,
        'letta',
      );
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ usename, ssl }) => usename !== DatabaseRole.RUNTIME || !ssl)).toEqual([]);
    });
  });

  describe('the cache', () => {
    test('had connections over TLS with an IAM token of the service’s role only', () => {
      const { connections, refused } = deployed.lab.services.cacheFront;
      expect(connections.length).toBeGreaterThan(0);
      const role = deployed.lab.taskRole('Service/Task/Definition/Resource');
      expect(connections.filter((connection) => connection.role !== role)).toEqual([]);
      expect(connections.filter(({ protocol }) => !/^TLSv1\.[23]$/.test(protocol ?? ''))).toEqual([]);
      expect(refused).toEqual([]);
    });
  });

  describe('AWS', () => {
    test('saw no call that a role’s policies do not allow, and none with a wrong signature', () => {
      const { calls, refused } = deployed.lab.services.record;
      expect(calls.filter(({ allowed }) => !allowed)).toEqual([]);
      expect(refused).toEqual([]);
    });

    test('saw models called by the service’s role, and only those the stack allows', () => {
      const calls = deployed.lab.services.record.calls.filter(({ action }) => action.startsWith('bedrock:Invoke'));
      const role = deployed.lab.taskRole('Service/Task/Definition/Resource');
      expect(new Set(calls.map((call) => call.role))).toEqual(new Set([role]));
      const models = calls.map(({ resource }) => resource.split('/')[1]);
      expect(new Set(models.map((model) => model.replace(/^us\./, '')))).toEqual(
        new Set([
          'anthropic.claude-sonnet-4-5-20250929-v1:0',
          'anthropic.claude-haiku-4-5-20251001-v1:0',
          'amazon.titan-embed-text-v2:0',
        ]),
      );
    });

    test('gave the task’s credentials to nobody who asked at another path', () => {
      const { requests } = deployed.lab.services.credentials;
      expect(requests.length).toBeGreaterThan(0);
      expect(requests.filter(({ status }) => status !== 200)).toEqual([]);
    });
  });

  describe('Letta’s processes', () => {
    test('have no variable that leads to credentials or to the task', () => {
      const environments = processesOf(deployed.lab.service!.container('letta').pid!).map((pid) =>
        readFileSync(`/proc/${pid}/environ`, 'utf8'),
      );
      expect(environments.length).toBeGreaterThan(0);
      expect(environments.join('\0')).toContain('LETTA_PG_URI=');
      expect(environments.join('\0')).not.toMatch(
        /AWS_CONTAINER_CREDENTIALS|ECS_CONTAINER_METADATA|ECS_AGENT_URI|169\.254/,
      );
    });

    test('run as an unprivileged user without any capability', () => {
      for (const pid of processesOf(deployed.lab.service!.container('letta').pid!)) {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        expect(status).toMatch(/^Uid:\t10002\t10002/m);
        expect(status).toMatch(/^CapEff:\t0+$/m);
      }
    });
  });
}
