import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ApiPassword, digestOf, passwordsFromSecret } from '../../../../runtime/gateway/api/api-password';
import { bodyOf, close, recordingLog, upstream } from '../support';

/** As the API front asks: what is not known is looked up again. */
async function accepts(password: ApiPassword, presented: string): Promise<boolean> {
  const digest = digestOf(presented);
  if (!password.matches(digest)) await password.lookAgain();
  return password.matches(digest);
}

function clock(at = 1_000_000) {
  const state = { at };
  return { now: () => state.at, pass: (ms: number) => void (state.at += ms) };
}

test('current and previous password are accepted, nothing else', async () => {
  const password = new ApiPassword(async () => ['new one', 'old one'], recordingLog());
  await password.start();
  expect(await Promise.all(['new one', 'old one', 'other', ''].map((p) => accepts(password, p)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('a rotated password is accepted without restart, at once', async () => {
  let passwords = ['first'];
  const time = clock();
  const password = new ApiPassword(async () => passwords, recordingLog(), time.now);
  await password.start();
  passwords = ['second', 'first'];
  time.pass(60_000);
  expect(await accepts(password, 'second')).toBe(true);
  expect(await accepts(password, 'first')).toBe(true);
});

test('guessing does not cost a call to Secrets Manager each', async () => {
  let calls = 0;
  const time = clock();
  const password = new ApiPassword(async () => (calls++, ['first']), recordingLog(), time.now);
  await password.start();
  time.pass(60_000);
  for (let guess = 0; guess < 500; guess++) expect(await accepts(password, `guess ${guess}`)).toBe(false);
  expect(calls).toBe(2);
});

test('a failing refresh keeps the password that is known', async () => {
  let fails = false;
  const time = clock();
  const log = recordingLog();
  const load = async () => {
    if (fails) throw new Error('throttled');
    return ['first'];
  };
  const password = new ApiPassword(load, log, time.now);
  await password.start();
  fails = true;
  time.pass(60_000);
  expect(await accepts(password, 'wrong')).toBe(false);
  expect(await accepts(password, 'first')).toBe(true);
  expect(log.lines).toMatchObject([{ level: 'error', event: 'api-password-refresh-failed' }]);
});

describe('the secret', () => {
  async function loading(stages: Record<string, string>) {
    const { server, origin } = await upstream(async (request, response) => {
      const { VersionStage } = JSON.parse((await bodyOf(request)).toString());
      const value = stages[VersionStage];
      response.writeHead(value === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(
        JSON.stringify(
          value === undefined
            ? { __type: 'ResourceNotFoundException', message: 'no such stage' }
            : { SecretString: value },
        ),
      );
    });
    const client = new SecretsManagerClient({
      endpoint: origin,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    return passwordsFromSecret(client, 'arn:secret')().finally(() => close(server));
  }

  test('has one password before its first rotation', async () => {
    expect(await loading({ AWSCURRENT: 'the one of sixteen' })).toEqual(['the one of sixteen']);
  });

  test('has two after it', async () => {
    const [two, one] = ['the second password', 'the first password'];
    expect(await loading({ AWSCURRENT: two, AWSPREVIOUS: one })).toEqual([two, one]);
  });

  test.each([
    ['a line end', 'hunter2\n'],
    ['a blank before it', ' hunter2'],
    ['a tab behind it', 'hunter2\t'],
    ['a line end within', 'hunter2\nhunter3'],
    ['a letter outside ASCII', 'hünter2'],
    ['a character that is not visible', 'hunter\u0007'],
  ])('fails with %s, because no header could carry it, and does not tell it', async (_what, secret) => {
    const failure = await loading({ AWSCURRENT: secret }).catch((error: Error) => error.message);
    expect(failure).toMatch(/^secret arn:secret can never match: .*visible ASCII/);
    expect(failure).not.toMatch(/h[uü]nter/);
  });

  test('may have blanks within, and its previous version is left out where it would not do as the current one', async () => {
    const current = 'several words of it';
    for (const previous of ['the first password\n', 'short']) {
      expect(await loading({ AWSCURRENT: current, AWSPREVIOUS: previous })).toEqual([current]);
    }
  });

  test('fails with less than 16 characters, which many networks together could guess, and does not tell it', async () => {
    const failure = await loading({ AWSCURRENT: 'hunter2-hunter2' }).catch((error: Error) => error.message);
    expect(failure).toMatch(/^secret arn:secret is too short: .* less than 16 characters/);
    expect(failure).not.toContain('hunter');
    expect(await loading({ AWSCURRENT: 'hunter2-hunter2-' })).toEqual(['hunter2-hunter2-']);
  });

  test('fails when it is empty or not there', async () => {
    await expect(loading({ AWSCURRENT: ' ' })).rejects.toThrow('is empty');
    await expect(loading({})).rejects.toThrow('no such stage');
  });
});
