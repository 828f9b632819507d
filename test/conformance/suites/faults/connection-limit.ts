import type { Deployed } from '../../deployed';
import { Ledger } from './ledger';
import { answered, recovery, type TurnEnd } from './witness';

/** Fewer than the worker's pool of 35, and more than one request asks for at once. */
const MAX_CONNECTIONS = 20;
/** The lab's own looks must not be refused. */
const SUPERUSERS = 6;
const CALLERS = 24;

/** The server takes fewer connections than the pools of the tasks would open, which synth refuses where it knows. */
export function connectionLimit(deployed: Deployed): void {
  test('at the limit of the database’s connections callers wait or get 503, and no turn is broken', async () => {
    const { services } = deployed.lab;
    const { postgres } = services;
    const restarted = async () => {
      await services.databaseDown();
      await services.databaseUp();
    };
    const ledger = await Ledger.of(deployed, CALLERS);
    await postgres.sql(`ALTER SYSTEM SET max_connections = ${MAX_CONNECTIONS + SUPERUSERS}`);
    await postgres.sql(`ALTER SYSTEM SET superuser_reserved_connections = ${SUPERUSERS}`);
    const ends: TurnEnd[] = [];
    try {
      await restarted();
      await recovery(ledger.witnesses[0], 1);
      const logged = postgres.log().length;
      const turns = ledger.witnesses.map((each, index) => each.turn('It is full here.', { stream: index % 2 === 1 }));
      ends.push(...(await Promise.all(turns)));
      // It proves nothing unless Postgres really refused somebody.
      expect(postgres.log().slice(logged)).toMatch(/too many clients|connection slots are reserved/);
    } finally {
      await postgres.sql('ALTER SYSTEM RESET ALL');
      await restarted();
    }

    const failed = ends.filter((end) => !answered(end));
    const longest = Math.max(...ends.map(({ milliseconds }) => milliseconds));
    process.stderr.write(
      `${CALLERS} callers at ${MAX_CONNECTIONS} connections: ${ends.length - failed.length} answered, the longest after ` +
        `${(longest / 1000).toFixed(1)} s, the others ${JSON.stringify(failed.map(({ status }) => status))}\n`,
    );
    expect(ends.filter(answered).length).toBeGreaterThan(0);
    // A stream that had begun tells of its failure in an event, behind a status of 200.
    const told = ({ status, body, broken }: TurnEnd) =>
      broken === undefined && (status === 503 || (status === 200 && body.includes('event: error')));
    expect(failed.filter((end) => !told(end))).toEqual([]);

    await recovery(ledger.witnesses[0]);
    await ledger.holds();
  }, 240_000);
}
