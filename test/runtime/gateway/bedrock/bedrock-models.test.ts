import { ChatModel } from '../../../../runtime/contract';
import { ChatModelList, isFoundationModel } from '../../../../runtime/gateway/bedrock/bedrock-models';
import { FOUNDATION, PROFILE, SIGNED, startFront, stopFronts } from './aws-front-parts';
import { recordingLog } from '../support';

afterEach(stopFronts);

const NOVA = 'eu.amazon.nova-pro-v1:0';

const profile = (id: string, ...modelIds: string[]) => ({
  inferenceProfileId: id,
  inferenceProfileArn: `arn:aws:bedrock:eu-central-1:111122223333:inference-profile/${id}`,
  inferenceProfileName: id,
  models: modelIds.map((model) => ({ modelArn: `arn:aws:bedrock:eu-west-1::foundation-model/${model}` })),
  status: 'ACTIVE' as const,
  type: 'SYSTEM_DEFINED' as const,
});

const claude: ChatModel = { id: PROFILE, format: 'anthropic' };
const nova: ChatModel = { id: NOVA, format: 'converse', contextLength: 300_000 };

/** A list whose AWS answers what `answers` says, one after the other, the last one from then on. */
function chatModels(allowed: ChatModel[], ...answers: (ReturnType<typeof profile>[] | Error)[]) {
  const log = recordingLog();
  const clock = { now: 0, asked: 0 };
  const models = new ChatModelList(
    allowed,
    async () => {
      const answer = answers[Math.min(clock.asked++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    'eu-central-1',
    log,
    () => clock.now,
  );
  return { models, clock, events: () => log.lines.map(({ level, event }) => `${level} ${event}`) };
}

describe('over HTTP', () => {
  const page = (...ids: string[]) => ids.map((id) => ({ ...profile(id), createdAt: '2025-05-14T00:00:00Z' }));

  test('has the allowed Claude models of all pages and an entry for an allowed foundation model, asked once', async () => {
    const { origin, seen } = await startFront({
      bedrock: (request, response) => {
        const second = request.url!.includes('nextToken=more');
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify(
            second
              ? { inferenceProfileSummaries: page(PROFILE) }
              : { inferenceProfileSummaries: page(NOVA, 'eu.amazon.nova-lite-v1:0'), nextToken: 'more' },
          ),
        );
      },
    });
    const list = async () =>
      (await (await fetch(`${origin}/inference-profiles`, { headers: SIGNED })).json()) as {
        inferenceProfileSummaries: { inferenceProfileId: string; createdAt?: string }[];
      };
    const { inferenceProfileSummaries } = await list();
    expect(inferenceProfileSummaries.map(({ inferenceProfileId }) => inferenceProfileId)).toEqual([
      PROFILE,
      FOUNDATION,
    ]);
    expect(inferenceProfileSummaries[0].createdAt).toBe('2025-05-14T00:00:00.000Z');
    await list();
    expect(seen).toHaveLength(2);
  });

  test('fails as AWS failed', async () => {
    const { origin } = await startFront({
      bedrock: (_request, response) => {
        response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' });
        response.end('{"message":"not authorized"}');
      },
    });
    const response = await fetch(`${origin}/inference-profiles`, { headers: SIGNED });
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
    expect(await response.json()).toEqual({ message: expect.stringContaining('not authorized') });
  });

  test('is an error where it would be empty: of an empty one Letta makes that its models are gone', async () => {
    const { origin } = await startFront({
      bedrock: (_request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end('{"inferenceProfileSummaries":[]}');
      },
      claude: [PROFILE],
    });
    const response = await fetch(`${origin}/inference-profiles`, { headers: SIGNED });
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([503, 'ServiceUnavailableException']);
    expect(await response.json()).toEqual({ message: 'the account has none of the allowed chat models' });
  });
});

test('one list serves both formats', async () => {
  const { models, clock } = chatModels([nova, claude], [profile(PROFILE), profile(NOVA)]);
  expect(await Promise.all([models.offered('anthropic'), models.offered('converse')])).toEqual([[PROFILE], [NOVA]]);
  expect((await models.list('anthropic')).map(({ inferenceProfileId }) => inferenceProfileId)).toEqual([PROFILE]);
  expect([models.count, models.problem(), clock.asked]).toEqual([2, undefined, 1]);
});

test('what is allowed but not there is an error in the log', async () => {
  const { models, events } = chatModels([claude, nova], [profile(NOVA)]);
  expect(await models.offered('anthropic')).toEqual([]);
  expect(events()).toEqual(['error chat-models-not-in-this-account']);
  expect(models.empty()).toBeUndefined();
});

test('a profile with another model behind it is not offered as Claude', async () => {
  const arn = 'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc';
  const { models, events } = chatModels(
    [{ id: arn, format: 'anthropic' }, claude],
    [{ ...profile('abc', 'amazon.nova-pro-v1:0'), inferenceProfileArn: arn }, profile(PROFILE, FOUNDATION)],
  );
  expect(await models.offered('anthropic')).toEqual([PROFILE]);
  expect(events()).toEqual(['error chat-models-not-claude']);
});

test('an account with none of the allowed models is an error and a problem, until one is there', async () => {
  const { models, clock, events } = chatModels([claude], [], [profile(PROFILE)]);
  expect(await models.offered('anthropic')).toEqual([]);
  expect(events()).toContain('error no-chat-models');
  expect([models.count, models.empty(), models.problem()]).toEqual([
    0,
    'the account has none of the allowed chat models',
    'the account has none of the allowed chat models',
  ]);
  await expect(models.required()).rejects.toThrow('none of the allowed chat models: enable access');
  clock.now += 15_000;
  await models.required();
  expect(await models.offered('anthropic')).toEqual([PROFILE]);
  expect([models.count, models.empty()]).toEqual([1, undefined]);
});

test('a list that was never read is a problem, and each asker tries again', async () => {
  const { models } = chatModels([claude], new Error('throttled'), [profile(PROFILE)]);
  expect(models.empty()).toMatch(/could not be read/);
  await expect(models.list('anthropic')).rejects.toThrow('throttled');
  expect([models.count, models.empty()]).toEqual([0, expect.stringContaining('could not be read')]);
  expect(await models.offered('anthropic')).toEqual([PROFILE]);
  expect(models.empty()).toBeUndefined();
});

test('the last list stays in use while AWS fails, readiness tells, and it mends by itself', async () => {
  const { models, clock, events } = chatModels([claude], [profile(PROFILE)], new Error('503'), [profile(PROFILE)]);
  await models.offered('anthropic');
  clock.now += 5 * 60_000;
  expect(await models.offered('anthropic')).toEqual([PROFILE]);
  expect([models.count, models.empty(), models.problem()]).toEqual([
    1,
    undefined,
    expect.stringContaining('no longer'),
  ]);
  expect(events()).toEqual(['error list-inference-profiles-failed']);
  await models.offered('anthropic');
  expect(clock.asked).toBe(2);
  clock.now += 15_000;
  await models.offered('anthropic');
  expect([clock.asked, models.problem()]).toEqual([3, undefined]);
});

test('askers at the same time share one call', async () => {
  const { models, clock } = chatModels([claude], [profile(PROFILE)]);
  await Promise.all(Array.from({ length: 20 }, () => models.list('anthropic')));
  expect(clock.asked).toBe(1);
});

test.each([
  ['anthropic.claude-3-haiku-20240307-v1:0', true],
  ['us.anthropic.claude-3-haiku-20240307-v1:0', false],
  ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', false],
  ['global.anthropic.claude-sonnet-4-20250514-v1:0', false],
  ['us.amazon.nova-pro-v1:0', false],
  ['amazon.nova-pro-v1:0', true],
  ['deepseek.v3.1', true],
  ['arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc', false],
])('%s is a foundation model: %s', (id, expected) => {
  expect(isFoundationModel(id)).toBe(expected);
});
