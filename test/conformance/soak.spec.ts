import { soak } from '../bench/gateway/soak';
import { GatewayStand } from '../bench/gateway/stand';
import { enterLab } from '../lab/enter';

describe('the gateway, as its task runs it', () => {
  let stand: GatewayStand;
  beforeAll(async () => {
    const { vpc } = await enterLab();
    stand = await GatewayStand.start(vpc, () => undefined);
  }, 180_000);
  afterAll(() => stand?.stop(), 60_000);

  // A look only: `npm run bench` has more of them, for longer, and a closer bound.
  test('passes 50 streams at a time on for 20 s without one that breaks off, and its memory stays', async () => {
    const { growth, resident } = await soak(stand, { streams: 50, seconds: 20 });
    expect(growth).toBeLessThan(1.25);
    expect(Math.max(...resident.map(({ value }) => value))).toBeLessThan(200);
  }, 120_000);
});
