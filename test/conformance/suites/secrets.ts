import { DatabaseRole } from '../../../runtime/contract';
import type { Deployed } from '../deployed';

/** Log files of all that prints, but for Postgres: both tasks' containers, the functions, Redis. */
const printing = [
  /\/ServiceTaskLogs\w+\/task\/gateway\//,
  /\/ServiceTaskLogs\w+\/task\/letta\//,
  /\/ServiceMigrationTaskLogs\w+\/task\/gateway\//,
  /\/ServiceMigrationTaskLogs\w+\/task\/letta\//,
  /\/ServiceMigrationFunctionLog\w+\/function\.log$/,
  /\/DatabaseSetup\w+\/function\.log$/,
  /\/NetworkS3PrefixList\w+\/function\.log$/,
  /^logs\/redis\.log$/,
];

/** Looks for every secret there is in every line that was printed. Runs last. */
export function secretsSuite(deployed: Deployed): void {
  describe('logs', () => {
    const secrets = () => {
      const { services, password } = deployed.lab;
      const plain = [password, services.master.password, ...services.issuer.secrets()];
      return [...new Set(plain.flatMap((secret) => [secret, encodeURIComponent(secret)]))];
    };

    test('of every container, function and server hold no secret', () => {
      const lines = deployed.lab.logLines();
      // What was not read holds nothing: all that prints must be there, with lines.
      const files = [...new Set(lines.map(({ file }) => file))];
      expect(printing.filter((log) => !files.some((file) => log.test(file)))).toEqual([]);
      expect(secrets().length).toBeGreaterThan(10);
      const found = secrets().flatMap((secret) =>
        lines.filter(({ line }) => line.includes(secret)).map(({ file, line }) => `${file}: ${line.slice(0, 80)}`),
      );
      expect(found).toEqual([]);
    });

    test('of Postgres hold no secret', () => {
      const log = deployed.lab.services.postgres.log();
      for (const user of [deployed.lab.services.master.username, ...Object.values(DatabaseRole)]) {
        expect(log).toContain(`connection authorized: user=${user} `);
      }
      expect(secrets().filter((secret) => log.includes(secret))).toEqual([]);
    });

    test('hold no signature', () => {
      const signed = /X-Amz-Signature=[0-9a-f]{64}|Signature=[0-9a-f]{64}/;
      expect(deployed.lab.logLines().filter(({ line }) => signed.test(line))).toEqual([]);
    });
  });
}
