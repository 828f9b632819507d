import { LambdaRuntime, MOST_PAYLOAD } from './lambda-runtime';

const context = { functionArn: 'arn:aws:lambda:us-east-1:111122223333:function:f', timeout: 5000, tenantId: 'agent-1' };

describe('the Runtime API', () => {
  let runtime: LambdaRuntime;
  let url: string;

  beforeEach(async () => {
    runtime = new LambdaRuntime();
    url = `http://127.0.0.1:${await runtime.listen(0)}/2018-06-01/runtime`;
  });
  afterEach(() => runtime.stop());

  const next = () => fetch(`${url}/invocation/next`);
  const post = (path: string, body: string) => fetch(`${url}/${path}`, { method: 'POST', body });

  test('hands out an event with its tenant and takes the answer', async () => {
    const answer = runtime.invoke(Buffer.from('{"a":1}'), context);
    const event = await next();
    expect(await event.json()).toEqual({ a: 1 });
    expect(event.headers.get('lambda-runtime-aws-tenant-id')).toBe('agent-1');
    const id = event.headers.get('lambda-runtime-aws-request-id')!;
    expect((await post(`invocation/${id}/response`, '"done"')).status).toBe(202);
    expect(await answer).toEqual({ failed: false, payload: Buffer.from('"done"') });
  });

  test('tells an error of the handler from an answer', async () => {
    const answer = runtime.invoke(Buffer.from('{}'), context);
    const id = (await next()).headers.get('lambda-runtime-aws-request-id')!;
    await post(`invocation/${id}/error`, '{"errorType":"KeyError"}');
    expect(await answer).toMatchObject({ failed: true });
  });

  test('takes no answer for another invocation, and none that is too large', async () => {
    let answered = false;
    const answer = runtime.invoke(Buffer.from('{}'), context).finally(() => (answered = true));
    const id = (await next()).headers.get('lambda-runtime-aws-request-id')!;
    expect((await post('invocation/another/response', '"forged"')).status).toBe(400);
    expect((await post(`invocation/${id}/response`, 'x'.repeat(MOST_PAYLOAD + 1))).status).toBe(413);
    expect(answered).toBe(false);
    await post(`invocation/${id}/response`, '"right"');
    expect((await answer).payload.toString()).toBe('"right"');
  });

  test('gives no second event while one is under way', async () => {
    void runtime.invoke(Buffer.from('{}'), context);
    await next();
    expect((await next()).status).toBe(403);
    expect(() => runtime.invoke(Buffer.from('{}'), context)).toThrow('one invocation at a time');
  });
});
