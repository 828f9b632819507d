import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployed } from '../../deployed';
import { gatewayLog } from './bedrock';
import { answered, Witness } from './witness';

/** Seconds that keys live here; the gateway uses them to their end when there are no newer ones. */
const SHORT_LIFE = 40;
/** The gateway asks for an unknown password at most this often. */
const LOOK_AGAIN = 15_000;

export function identityFaults(deployed: Deployed): void {
  describe('the credential endpoint failing', () => {
    test('costs no turn while the keys are good, then fails them with the reason, and is over when it is over', async () => {
      const { issuer, credentials } = deployed.lab.services;
      const witness = await Witness.of(deployed);
      const usual = issuer.lifetime;
      try {
        issuer.lifetime = SHORT_LIFE;
        // Keys of 15 minutes are near their end for the gateway: every 5 s a call makes it fetch new ones.
        await sleep(5_500);
        await witness.remembers();
        await sleep(1_000);
        credentials.failure = 500;
        const failedSince = Date.now();
        let turns = 0;
        while (Date.now() - failedSince < (SHORT_LIFE - 8) * 1000) {
          expect(answered(await witness.turn('Are you there?'))).toBe(true);
          turns++;
        }
        expect(turns).toBeGreaterThan(3);
        await sleep((SHORT_LIFE + 1) * 1000 - (Date.now() - failedSince));
        const failed = await witness.turn('Are you there?');
        expect(failed.status).toBe(500);
        expect(failed.body).toContain('llm_error');
        expect(gatewayLog(deployed, 'credentials-refresh-failed')).not.toEqual([]);
      } finally {
        issuer.lifetime = usual;
        credentials.failure = undefined;
      }
      expect(answered(await witness.turn('Are you there?'))).toBe(true);
      await witness.remembers();
    }, 180_000);
  });

  describe('the password rotated', () => {
    test('is accepted without a restart, the one before it too, the one before that no more', async () => {
      const { secrets } = deployed.lab.services;
      const witness = await Witness.of(deployed);
      const [id] = deployed.lab.template.ofType('AWS::SecretsManager::Secret').map(([name]) => name);
      const secretArn = String(deployed.lab.template.resolve({ Ref: id }));
      const status = async (password: string) =>
        (await deployed.request('GET', '/v1/agents/', undefined, { authorization: `Bearer ${password}` })).status;
      const rotate = async () => {
        const password = randomBytes(24).toString('hex');
        secrets.put(secretArn, password);
        await sleep(LOOK_AGAIN);
        return password;
      };
      const first = deployed.lab.password;
      const second = await rotate();
      expect([await status(second), await status(first)]).toEqual([200, 200]);
      const third = await rotate();
      expect([await status(third), await status(second), await status(first)]).toEqual([200, 200, 401]);
      expect(deployed.lab.password).toBe(third);
      await witness.remembers();
    }, 120_000);
  });
}
