import { App, Duration, Size, Stack, Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import {
  LettaBedrockStack,
  ToolSandbox,
  ToolSandboxCodeInterpreter,
  ToolSandboxFunction,
  ToolSandboxFunctionProps,
} from '../../lib';
import { service } from './letta-service-support';
import { isolatedVpc, testApp } from './support';

/** As from JavaScript, where no compiler asks what is given. */
function plain(props: object) {
  const stack = new Stack(testApp(), 'Test');
  const all = { vpc: isolatedVpc(stack), ...props } as ToolSandboxFunctionProps;
  return { stack, sandbox: new ToolSandboxFunction(stack, 'Tools', all) };
}

describe('a function for tools, given from JavaScript', () => {
  test.each<[string, unknown, string]>([
    ['vpc', undefined, 'vpc is undefined, wanted a VPC'],
    ['vpc', 'vpc-1', "vpc is 'vpc-1', wanted a VPC"],
    ['vpcSubnets', 'isolated', "vpcSubnets is 'isolated', wanted a selection of subnets"],
    ['securityGroup', 'sg-1', "securityGroup is 'sg-1', wanted a security group"],
    ['role', 'arn:aws:iam::111122223333:role/tools', 'wanted a role: give for example iam.Role.fromRoleArn(…)'],
    ['encryptionKey', 'arn:aws:kms:…', 'wanted a key: give for example kms.Key.fromKeyArn(…)'],
    ['code', lambda.Code.fromInline('1'), 'code is of the kind InlineCode, wanted an image'],
    ['architecture', 'arm64', "architecture is 'arm64', wanted lambda.Architecture.X86_64 or"],
    ['architecture', ecs.CpuArchitecture.ARM64, 'architecture is of the kind CpuArchitecture, wanted lambda'],
    ['packages', '', "packages is '', wanted the path of a folder"],
    ['packages', ['requests'], 'packages is a list, wanted the path of a folder'],
    ['packages', 5, 'packages is 5, wanted the path of a folder'],
    ['packages', null, 'packages is null, wanted the path of a folder'],
    ['baseImage', 5, 'baseImage is 5, wanted the name of an image'],
    ['allowedFunctions', {}, 'allowedFunctions is an object, wanted a list of functions: give [fn]'],
    ['allowedFunctions', [undefined], 'allowFunction got undefined, wanted a function'],
    [
      'allowedEndpoints',
      'a.example.com:443',
      "allowedEndpoints is 'a.example.com:443', wanted a list: give for example",
    ],
    ['allowedEndpoints', [5], 'allowedEndpoints holds 5, which is no text'],
    ['allowedEndpoints', Token.asList({ Ref: 'Ways' }), 'allowedEndpoints is known only at deployment, wanted a list'],
    ['timeout', 30, 'timeout is 30, wanted a Duration: give Duration.seconds(30)'],
    ['memorySize', '1024', "memorySize is '1024', wanted a whole number from 512 to 10240"],
    ['memorySize', Size.mebibytes(1024), 'memorySize is of the kind Size, wanted a whole number'],
    ['maxRunsPerAgent', '4', "maxRunsPerAgent is '4', wanted a whole number"],
    ['reservedConcurrentExecutions', null, 'reservedConcurrentExecutions is null, wanted a whole number from 1'],
  ])('fails with %s %p', (prop, value, message) => {
    expect(() => plain({ [prop]: value })).toThrow(`Test/Tools: ${message.startsWith('wanted') ? prop : ''}`);
    expect(() => plain({ [prop]: value })).toThrow(message);
  });

  test('fails without properties', () => {
    const make = ToolSandboxFunction as unknown as new (scope: Stack, id: string) => ToolSandboxFunction;
    expect(() => new make(new Stack(testApp(), 'Test'), 'Tools')).toThrow('Test/Tools: the properties: got undefined');
  });

  test.each<[unknown, string]>([
    [undefined, 'allowFunction got undefined, wanted a function: give the construct'],
    ['arn:aws:lambda:us-east-1:111122223333:function:orders', 'lambda.Function.fromFunctionArn(…)'],
    [{}, 'allowFunction got an object'],
  ])('allowFunction(%p) fails', (fn, message) => {
    expect(() => plain({}).sandbox.allowFunction(fn as lambda.IFunction)).toThrow(message);
  });

  test.each([undefined, 5, ['a.example.com:443']])('allowEndpoint(%p) fails', (endpoint) => {
    expect(() => plain({}).sandbox.allowEndpoint(endpoint as unknown as string)).toThrow(
      "which is no text, wanted a host and a port such as 'mcp.example.com:443'",
    );
  });

  test('takes an architecture that is made anew for what it is', () => {
    const { stack } = plain({ architecture: lambda.Architecture.custom('arm64') });
    const { directory } = (stack.node.root as App).synth();
    const { dockerImages } = JSON.parse(
      fs.readFileSync(path.join(directory, `${stack.artifactId}.assets.json`), 'utf8'),
    );
    expect(Object.values<{ source: unknown }>(dockerImages)[0].source).toMatchObject({ platform: 'linux/arm64' });
  });
});

describe('times that are told as whole seconds', () => {
  test.each<[string, Duration, string]>([
    ['half a second', Duration.millis(1500), 'timeout is 1.5 s, wanted whole seconds from 1 to 270'],
    ['less than one', Duration.millis(500), 'timeout is 0.5 s, wanted whole seconds'],
    [
      'a token',
      Duration.seconds(Token.asNumber({ Ref: 'Time' })),
      'timeout is known only at deployment, wanted 1 to 270 s',
    ],
    ['minutes of a token', Duration.minutes(Token.asNumber({ Ref: 'Time' })), 'timeout is known only at deployment'],
  ])('fail with %s', (_what, timeout, message) => {
    expect(() => plain({ timeout })).toThrow(message);
  });

  test.each<[unknown, string]>([
    [900, 'sessionIdle is 900, wanted a Duration: give Duration.seconds(900)'],
    [Duration.millis(90_500), 'sessionIdle is 90.5 s, wanted whole seconds'],
    [Duration.seconds(Token.asNumber({ Ref: 'Time' })), 'sessionIdle is known only at deployment'],
  ])('of a code interpreter fail with %p', (sessionIdle, message) => {
    const props = { sessionIdle: sessionIdle as Duration };
    expect(() => new ToolSandboxCodeInterpreter(new Stack(testApp(), 'Test'), 'Tools', props)).toThrow(message);
  });
});

describe('customTools, given from JavaScript', () => {
  const made = () => new ToolSandboxCodeInterpreter(new Stack(testApp(), 'Other'), 'Tools');

  test.each<[string, () => unknown, string]>([
    ['true', () => true, 'customTools is true, wanted a ToolSandbox: give ToolSandbox.function() or'],
    ['false', () => false, 'customTools is false, wanted a ToolSandbox'],
    ['a name', () => 'function', "customTools is 'function', wanted a ToolSandbox"],
    ['options', () => ({ maxRunsPerAgent: 2 }), 'customTools is an object, wanted a ToolSandbox'],
    ['the method', () => ToolSandbox.function, 'customTools is the function or class function, wanted a ToolSandbox'],
    ['the class', () => ToolSandbox, 'customTools is the function or class ToolSandbox, wanted a ToolSandbox'],
    [
      'the construct',
      made,
      'customTools is of the kind ToolSandboxCodeInterpreter, wanted a ToolSandbox: give ToolSandbox.fromSandbox',
    ],
  ])('fails with %s', (_what, value, message) => {
    const customTools = value() as ToolSandbox;
    expect(() => service({ customTools })).toThrow(message);
    expect(() => new LettaBedrockStack(testApp(), 'Letta', { http: true, customTools })).toThrow(message);
  });

  test.each<[unknown, string]>([
    [undefined, 'ToolSandbox.fromSandbox got undefined, wanted a ToolSandboxFunction'],
    [true, 'ToolSandbox.fromSandbox got true, wanted'],
    [ToolSandbox.codeInterpreter(), 'give it as customTools itself'],
  ])('fails with the sandbox %p', (sandbox, message) => {
    expect(() => ToolSandbox.fromSandbox(sandbox as ToolSandboxFunction)).toThrow(message);
  });

  test.each([null, 'x', 5])('fails with the options %p', (options) => {
    expect(() => ToolSandbox.function(options as never)).toThrow('ToolSandbox.function: got');
    expect(() => ToolSandbox.codeInterpreter(options as never)).toThrow('ToolSandbox.codeInterpreter: got');
  });
});

describe('the folder of packages', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-kinds-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test('fails where a folder has the name of the list', () => {
    fs.mkdirSync(path.join(folder, 'requirements.txt'));
    expect(() => plain({ packages: folder })).toThrow('wanted a folder with a requirements.txt or a package.json');
  });

  test('is named in full when it is not there, since it depends on where synth runs', () => {
    expect(() => plain({ packages: 'not/there' })).toThrow(`it stands for ${path.resolve('not/there')}`);
  });
});

test('an endpoint that is allowed twice is one', () => {
  const { sandbox } = plain({ allowedEndpoints: ['api.example.com:443', 'API.example.com:443'] });
  expect(sandbox._settings).toMatchObject({ allowedEndpoints: ['api.example.com:443'] });
});
