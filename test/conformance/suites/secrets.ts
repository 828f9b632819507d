import type { Deployed } from '../deployed';

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
      const files = new Set(lines.map(({ file }) => file.split('/').at(-2)));
      expect([...files]).toEqual(expect.arrayContaining(['gateway', 'letta']));
      expect(secrets().length).toBeGreaterThan(10);
      const found = secrets().flatMap((secret) =>
        lines.filter(({ line }) => line.includes(secret)).map(({ file, line }) => `${file}: ${line.slice(0, 80)}`),
      );
      expect(found).toEqual([]);
    });

    test('of Postgres hold no secret', () => {
      const log = deployed.lab.services.postgres.log();
      expect(log).toContain('letta_runtime');
      expect(secrets().filter((secret) => log.includes(secret))).toEqual([]);
    });

    test('hold no signature', () => {
      const signed = /X-Amz-Signature=[0-9a-f]{64}|Signature=[0-9a-f]{64}/;
      expect(deployed.lab.logLines().filter(({ line }) => signed.test(line))).toEqual([]);
    });
  });
}
