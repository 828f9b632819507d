import type { Deployed } from '../../deployed';
import { answered, Witness } from './witness';

/** The database takes everything but the messages of a turn: what a failure between two statements does, every time. */
export function unwrittenAnswers(deployed: Deployed): void {
  test.each([{ stream: false }, { stream: true }])(
    'an answer that could not be written is not acknowledged (%o)',
    async ({ stream }) => {
      const sql = (text: string) => deployed.lab.services.postgres.sql(text, 'letta');
      const witness = await Witness.of(deployed);
      await sql(
        `CREATE FUNCTION letta.refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN IF NEW.content::text LIKE '%unwritable%' THEN RAISE 'refused by a test'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON letta.messages FOR EACH ROW EXECUTE FUNCTION letta.refuse()`,
      );
      try {
        const turn = await witness.turn('Keep the unwritable.', { stream });
        expect({ ...turn, answered: answered(turn) }).toMatchObject({ answered: false, broken: undefined });
      } finally {
        await sql('DROP TRIGGER refuse ON letta.messages; DROP FUNCTION letta.refuse()');
      }
      await witness.remembers();
    },
    60_000,
  );
}
