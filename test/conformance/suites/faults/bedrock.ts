import { setTimeout as sleep } from 'node:timers/promises';
import { cutAfter, failing, type Fault, where } from '../../../lab/fake-aws/faults';
import { waitFor } from '../../../lab/wait';
import type { Deployed } from '../../deployed';
import { said, Witness } from './witness';

const CLAUDE = /anthropic\.claude/;
const LONG = 'One two three four five six seven eight nine ten.';

export function bedrockFaults(deployed: Deployed): void {
  describe('Bedrock', () => {
    let witness: Witness;
    let undo: (() => void) | undefined;
    beforeAll(async () => {
      witness = await Witness.of(deployed);
    }, 60_000);
    afterEach(async () => {
      undo?.();
      await witness.remembers();
    }, 60_000);
    const inject = (fault: Fault) => {
      undo = deployed.lab.services.aws.faults.inject('bedrock-runtime', where(CLAUDE, fault));
    };

    /** What Letta says to its client, plain and in a stream; its model client tries some errors three times before. */
    test.each([
      ['throttling', failing(429, 'ThrottlingException', { 'retry-after': '1' }), 429, 'llm_rate_limit'],
      ['failing', failing(500, 'InternalServerException'), 500, 'llm_error'],
      ['denying access', failing(403, 'AccessDeniedException'), 500, 'llm_error'],
      ['hanging up without an answer', cutAfter(0), 500, 'llm_error'],
    ])(
      '%s fails the turn with an error that says so',
      async (_what, fault, status, type) => {
        inject(fault);
        const plain = await witness.turn(LONG);
        expect(plain).toMatchObject({ status, broken: undefined });
        expect(JSON.parse(plain.body)).toMatchObject({ error: { type } });
        const streamed = await witness.turn(LONG, { stream: true });
        expect(streamed.body).toContain('event: error');
        expect(streamed.body).toContain(`"error_type":"${type}"`);
        expect(said(streamed)).toBe('');
      },
      90_000,
    );

    test('throttling for a moment is not noticed', async () => {
      let calls = 0;
      const throttling = failing(429, 'ThrottlingException', { 'retry-after': '1' });
      inject((call, next) => (calls++ === 0 ? throttling(call, next) : next()));
      const turn = await witness.turn('Still there.');
      expect(said(turn)).toContain('You said: Still there.');
      expect(calls).toBe(2);
    }, 90_000);

    test('cutting a stream fails the turn after what was said, and never looks like an end', async () => {
      inject(cutAfter(6));
      const streamed = await witness.turn(LONG, { stream: true });
      expect(said(streamed)).toMatch(/^I am the /);
      expect(said(streamed)).not.toContain('ten.');
      expect(streamed.body).toContain('event: error');
      expect(streamed.body).not.toContain('end_turn');
      expect(gatewayLog(deployed, 'the answer broke off')).not.toEqual([]);
    }, 90_000);

    // Letta shields a turn from its client's leaving; the gateway has let go of Letta by then.
    test('is asked on after a client has gone away: the agent ends its turn and remembers it', async () => {
      let [asked, held] = [false, true];
      inject(async (_, next) => {
        asked = true;
        while (held) await sleep(50);
        await next();
      });
      const leave = new AbortController();
      const turn = witness.turn('My bicycle is orange.', { stream: true, signal: leave.signal });
      await waitFor('the model to be asked', () => asked, { timeout: 20_000 });
      leave.abort();
      expect((await turn).broken).toBeDefined();
      held = false;
      await waitFor(
        'the turn of the client that left',
        async () => {
          const { items } = await deployed.client().agents.messages.list(witness.id, { limit: 10, order: 'desc' });
          return JSON.stringify(items).includes('You said: My bicycle is orange.');
        },
        { timeout: 20_000 },
      );
    }, 90_000);
  });
}

/** Lines of the gateway's log with this in them. */
export function gatewayLog(deployed: Deployed, what: string): string[] {
  return deployed.containerLines('gateway').filter((line) => line.includes(what));
}
