import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { SandboxMaximum } from '../../runtime/contract';
import { ToolSandboxFunction, ToolSandboxFunctionProps } from '../../lib';
import { asText, isolatedVpc, Match, statementsOf, Template, testApp, warningsOf } from './support';

const ROLE_ARN = 'arn:aws:iam::111122223333:role/tools';
const ORDERS = 'arn:aws:lambda:eu-west-1:111122223333:function:orders';

const PLAIN_POLICY = {
  policyName: 'more',
  policyDocument: { Statement: { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' } },
};

type Props = Partial<ToolSandboxFunctionProps>;

function sandbox(props: Props | ((stack: Stack) => Props) = {}) {
  const app = testApp();
  const stack = new Stack(app, 'Test');
  const vpc = isolatedVpc(stack);
  const made = new ToolSandboxFunction(stack, 'Tools', {
    vpc,
    ...(typeof props === 'function' ? props(stack) : props),
  });
  return { app, stack, sandbox: made, template: () => Template.fromStack(stack), warnings: () => warningsOf(app) };
}

function functionOf(template: Template) {
  const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
  return fn.Properties;
}

describe('the function', () => {
  test('gives each tenant an execution environment of its own', () => {
    sandbox()
      .template()
      .hasResourceProperties('AWS::Lambda::Function', {
        PackageType: 'Image',
        TenancyConfig: { TenantIsolationMode: 'PER_TENANT' },
      });
  });

  test('knows nothing by its environment', () => {
    expect(functionOf(sandbox().template()).Environment).toBeUndefined();
  });

  test('has a security group without a rule', () => {
    const template = sandbox().template();
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' })],
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 0);
  });

  test('ends after a run has had its time and its end', () => {
    expect(functionOf(sandbox().template()).Timeout).toBe(200);
    expect(functionOf(sandbox({ timeout: Duration.seconds(5) }).template()).Timeout).toBe(25);
  });

  test('is made when its role has its rights', () => {
    const [fn] = Object.values(sandbox().template().findResources('AWS::Lambda::Function'));
    expect(fn.DependsOn).toEqual(expect.arrayContaining([expect.stringMatching(/^ToolsRoleDefaultPolicy/)]));
  });

  test('takes memory and a reservation', () => {
    const { MemorySize, ReservedConcurrentExecutions } = functionOf(
      sandbox({ memorySize: 3008, reservedConcurrentExecutions: 50 }).template(),
    );
    expect({ MemorySize, ReservedConcurrentExecutions }).toEqual({
      MemorySize: 3008,
      ReservedConcurrentExecutions: 50,
    });
  });

  test.each([511, 10_241, 1.5])('fails with %d MiB', (memorySize) => {
    expect(() => sandbox({ memorySize })).toThrow(
      `memorySize is ${memorySize}, wanted a whole number from 512 to 10240`,
    );
  });

  test.each([0, SandboxMaximum.TIMEOUT_SECONDS + 1, 900])('fails with a time-out of %d s', (seconds) => {
    expect(() => sandbox({ timeout: Duration.seconds(seconds) })).toThrow(
      `timeout is ${seconds} s, wanted 1 to 270 s, because Letta waits 300 s for a tool`,
    );
  });

  test.each([0, -1, 1001])('fails with %d runs of one agent', (maxRunsPerAgent) => {
    expect(() => sandbox({ maxRunsPerAgent })).toThrow(`maxRunsPerAgent is ${maxRunsPerAgent}, wanted a whole number`);
  });

  test('fails with a reservation of 0, which would refuse every run', () => {
    expect(() => sandbox({ reservedConcurrentExecutions: 0 })).toThrow('reservedConcurrentExecutions is 0, wanted');
  });

  test('encrypts its logs with a key that was given', () => {
    const { template } = sandbox((stack) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    template().hasResourceProperties('AWS::Logs::LogGroup', { KmsKeyId: Match.anyValue() });
  });
});

test.each([
  ['ap-southeast-6', true],
  ['us-gov-west-1', true],
  ['eu-central-1', false],
  [undefined, false],
])('in region %s a warning of tenant isolation is given: %p', (region, warns) => {
  const app = testApp();
  const stack = new Stack(app, 'Test', { env: { region } });
  new ToolSandboxFunction(stack, 'Tools', { vpc: isolatedVpc(stack) });
  expect(warningsOf(app)).toEqual(
    warns ? [expect.stringMatching(`is of region '${region}'.*ack: cdk-letta:ToolSandboxFunction.region]`)] : [],
  );
});

describe('the role', () => {
  const ofTheFunction = { Null: { 'lambda:SourceFunctionArn': 'false' } };

  test('denies the code everything but its own log group, which Lambda writes with the same mark', () => {
    const denials = statementsOf(sandbox().template(), 'ToolsRole').filter(({ Effect }) => Effect === 'Deny');
    expect(denials).toEqual([
      {
        Effect: 'Deny',
        NotAction: ['logs:CreateLogStream', 'logs:PutLogEvents', 'lambda:InvokeFunction'],
        Resource: '*',
        Condition: ofTheFunction,
      },
      {
        Effect: 'Deny',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents', 'lambda:InvokeFunction'],
        NotResource: [{ 'Fn::GetAtt': [expect.stringMatching(/^ToolsLogs/), 'Arn'] }],
        Condition: ofTheFunction,
      },
    ]);
  });

  test('allows Lambda its log group and its network interfaces', () => {
    const allowed = statementsOf(sandbox().template(), 'ToolsRole').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.map(({ Action, Resource }) => [Action, asText(Resource)])).toEqual([
      [['logs:CreateLogStream', 'logs:PutLogEvents'], expect.stringMatching(/^\$\{ToolsLogs\w+\.Arn\}$/)],
      [expect.arrayContaining(['ec2:CreateNetworkInterface']), '*'],
    ]);
  });

  test('brought along gets the same denials', () => {
    const { template } = sandbox((stack) => ({ role: brought(stack) }));
    const denials = statementsOf(template(), 'Brought').filter(({ Effect }) => Effect === 'Deny');
    expect(denials).toHaveLength(2);
  });

  test.each<[string, (role: iam.Role) => void, string]>([
    [
      'a statement of its own',
      (role) => role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] })),
      's3:GetObject \\"*\\"',
    ],
    [
      'another function',
      (role) => role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [ORDERS] })),
      `lambda:InvokeFunction \\"${ORDERS}\\"`,
    ],
    [
      'everything but something',
      (role) => role.addToPolicy(new iam.PolicyStatement({ notActions: ['iam:*'], resources: ['*'] })),
      'all but iam:*',
    ],
    [
      'a managed policy',
      (role) => role.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess')),
      'the managed policy',
    ],
    [
      'a policy beside it',
      (role) =>
        new iam.Policy(role.stack, 'Beside', {
          roles: [role],
          statements: [new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: ['*'] })],
        }),
      'sqs:SendMessage',
    ],
    [
      "CloudFormation's own policy of a role, by its name",
      (role) => new iam.CfnRolePolicy(role.stack, 'Own', { roleName: role.roleName, ...PLAIN_POLICY }),
      'sqs:SendMessage',
    ],
    [
      'a plain policy that names it as it was named',
      (role) => {
        (role.node.defaultChild as iam.CfnRole).roleName = 'tools';
        new iam.CfnPolicy(role.stack, 'Plain', { roles: ['tools'], ...PLAIN_POLICY });
      },
      'sqs:SendMessage',
    ],
  ])('fails at synth with %s', (_what, change, named) => {
    const { app } = sandbox((stack) => {
      const role = brought(stack);
      change(role);
      return { role };
    });
    expect(() => app.synth()).toThrow(named.replace(/\\"/g, '"'));
    expect(() => app.synth()).toThrow('wanted one that allows what the sandbox declares and nothing else');
  });

  test('fails at synth when something is granted to the role that is made', () => {
    const { app, sandbox: made, stack } = sandbox();
    new kms.Key(stack, 'Key').grantDecrypt(made.role);
    expect(() => app.synth()).toThrow('role allows kms:Decrypt');
  });

  test.each<[string, iam.IPrincipal, string]>([
    [
      'another service',
      new iam.ServicePrincipal('ec2.amazonaws.com'),
      'role trusts ec2.amazonaws.com, wanted one that',
    ],
    ["Lambda's namesake at the edge", new iam.ServicePrincipal('edgelambda.amazonaws.com'), 'role trusts edgelambda'],
    ['an account', new iam.AccountPrincipal('111122223333'), ':iam::111122223333:root'],
  ])('fails at synth when it trusts %s', (_what, assumedBy, message) => {
    const { app } = sandbox((stack) => ({ role: new iam.Role(stack, 'Brought', { assumedBy }) }));
    expect(() => app.synth()).toThrow(message);
    expect(() => app.synth()).toThrow('wanted one that trusts lambda.amazonaws.com');
  });

  test('may trust others beside Lambda', () => {
    const services = ['ec2', 'lambda'].map((service) => new iam.ServicePrincipal(`${service}.amazonaws.com`));
    const { app } = sandbox((stack) => ({
      role: new iam.Role(stack, 'Brought', { assumedBy: new iam.CompositePrincipal(...services) }),
    }));
    expect(() => app.synth()).not.toThrow();
  });

  test('fails when it is of another account', () => {
    const stack = new Stack(testApp(), 'Test', { env: { account: '444455556666', region: 'us-east-1' } });
    const role = iam.Role.fromRoleArn(stack, 'Imported', ROLE_ARN);
    expect(() => new ToolSandboxFunction(stack, 'Tools', { vpc: isolatedVpc(stack), role })).toThrow(
      "role is of account '111122223333', wanted one of the stack's account '444455556666'",
    );
  });

  test('fails when it was imported as immutable', () => {
    expect(() =>
      sandbox((stack) => ({ role: iam.Role.fromRoleArn(stack, 'Imported', ROLE_ARN, { mutable: false }) })),
    ).toThrow('role was imported as immutable, wanted one that takes policies');
  });

  test('imported gives a warning, since what it allows cannot be read', () => {
    const { warnings } = sandbox((stack) => ({ role: iam.Role.fromRoleArn(stack, 'Imported', ROLE_ARN) }));
    expect(warnings()).toEqual([expect.stringContaining('[ack: cdk-letta:ToolSandboxFunction.role]')]);
  });

  function brought(stack: Stack): iam.Role {
    return new iam.Role(stack, 'Brought', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  }
});

describe('the network', () => {
  test('fails in public subnets', () => {
    const stack = new Stack(testApp(), 'Test');
    const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0, restrictDefaultSecurityGroup: false });
    expect(
      () => new ToolSandboxFunction(stack, 'Tools', { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }),
    ).toThrow('vpcSubnets has public subnets (Test/Vpc/PublicSubnet1, Test/Vpc/PublicSubnet2), wanted isolated ones');
  });

  test('fails in a VPC without isolated subnets', () => {
    const stack = new Stack(testApp(), 'Test');
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      subnetConfiguration: [{ name: 'Public', subnetType: ec2.SubnetType.PUBLIC }],
      restrictDefaultSecurityGroup: false,
    });
    expect(() => new ToolSandboxFunction(stack, 'Tools', { vpc })).toThrow('no subnet to stand in');
  });

  test('fails behind a security group that lets everything out', () => {
    expect(() =>
      sandbox((stack) => ({ securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Open', 'sg-1') })),
    ).toThrow('securityGroup lets everything out, or was imported without a word about it');
  });

  test.each<[string, (stack: Stack, vpc: ec2.IVpc) => ec2.ISecurityGroup]>([
    ['of its own', (stack, vpc) => new ec2.SecurityGroup(stack, 'Brought', { vpc, allowAllOutbound: false })],
    [
      'that was imported',
      (stack) => ec2.SecurityGroup.fromSecurityGroupId(stack, 'Brought', 'sg-1', { allowAllOutbound: false }),
    ],
  ])('fails at synth when a security group %s is opened to everybody', (_what, group) => {
    for (const peer of [ec2.Peer.anyIpv4(), ec2.Peer.anyIpv6()]) {
      const app = testApp();
      const stack = new Stack(app, 'Test');
      const vpc = isolatedVpc(stack);
      const made = new ToolSandboxFunction(stack, 'Tools', { vpc, securityGroup: group(stack, vpc) });
      made.connections.allowTo(peer, ec2.Port.tcp(443));
      expect(() => app.synth()).toThrow(/securityGroup lets callers' tools out to (0.0.0.0|::)\/0 on tcp 443/);
    }
  });

  test('fails at synth when the security group that is made is opened to everybody', () => {
    const { app, sandbox: made } = sandbox();
    made.connections.allowToAnyIpv4(ec2.Port.tcp(443));
    expect(() => app.synth()).toThrow("securityGroup lets callers' tools out to 0.0.0.0/0 on tcp 443");
  });

  test.each<[string, Props, number, boolean]>([
    ['a way that nobody declared', {}, 443, true],
    ["another port than the proxy's", { allowedEndpoints: ['api.example.com:443'] }, 5432, true],
    ['the port of the proxy', { allowedEndpoints: ['api.example.com:443'] }, 3129, false],
  ])('is judged at synth with %s to another group', (_what, props, port, fails) => {
    const { app, stack, sandbox: made } = sandbox(props);
    const other = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Other', 'sg-2');
    made.connections.allowTo(other, ec2.Port.tcp(port), 'a way');
    if (fails)
      expect(() => app.synth()).toThrow(`out to another group on tcp ${port} ('a way'), wanted one that lets out`);
    else expect(() => app.synth()).not.toThrow();
  });

  test('takes a security group that lets nothing out', () => {
    const { template } = sandbox((stack) => ({
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Closed', 'sg-1', { allowAllOutbound: false }),
    }));
    expect(functionOf(template()).VpcConfig.SecurityGroupIds).toEqual(['sg-1']);
    template().resourceCountIs('AWS::EC2::SecurityGroup', 0);
  });
});

describe('allowFunction', () => {
  const orders = (stack: Stack) => lambda.Function.fromFunctionArn(stack, 'Orders', ORDERS);

  test('lets tools invoke exactly this function', () => {
    const { template } = sandbox((stack) => ({ allowedFunctions: [orders(stack)] }));
    const statements = statementsOf(template(), 'ToolsRole');
    expect(statements).toContainEqual({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: ORDERS });
    expect(statements).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', NotResource: [expect.anything(), ORDERS] }),
    );
  });

  test('hands tools the credentials of the role, which nothing else does', () => {
    const { template } = sandbox((stack) => ({ allowedFunctions: [orders(stack)] }));
    expect(functionOf(template()).Environment).toEqual({ Variables: { SANDBOX_PASS_CREDENTIALS: 'true' } });
  });

  test.each<[string, (made: ToolSandboxFunction, stack: Stack) => lambda.IFunction, string]>([
    ['its own function, by which a tool could be any agent', (made) => made.function, 'wanted a function of yours'],
    ['a version of it', (made) => made.function.currentVersion, 'wanted a function of yours'],
    [
      'the function of another sandbox',
      (_, stack) => new ToolSandboxFunction(stack, 'Other', { vpc: isolatedVpc(new Stack(stack, 'Inner')) }).function,
      'wanted a function of yours',
    ],
    [
      'a wildcard',
      (_, stack) => lambda.Function.fromFunctionArn(stack, 'All', ORDERS.replace('orders', '*')),
      `allowFunction('${ORDERS.replace('orders', '*')}'), a wildcard, wanted the ARN of one function`,
    ],
    [
      'a wildcard for its name',
      (_, stack) => lambda.Function.fromFunctionName(stack, 'All', '*'),
      ', a wildcard, wanted',
    ],
  ])('fails with %s', (_what, fn, message) => {
    const { sandbox: made, stack } = sandbox();
    expect(() => made.allowFunction(fn(made, stack))).toThrow(message);
  });

  test('fails with a function of another region, which the network has no endpoint for', () => {
    const stack = new Stack(testApp(), 'Test', { env: { account: '111122223333', region: 'us-east-1' } });
    const made = new ToolSandboxFunction(stack, 'Tools', { vpc: isolatedVpc(stack) });
    expect(() => made.allowFunction(orders(stack))).toThrow(
      "allowFunction(Test/Orders) is of region 'eu-west-1', wanted one of the sandbox's region 'us-east-1'",
    );
  });

  test('states the call, for the endpoint of Lambda', () => {
    const { sandbox: made, stack } = sandbox();
    expect(made.awsCalls).toEqual([]);
    made.allowFunction(orders(stack));
    expect(made.awsCalls).toEqual([
      expect.objectContaining({ actions: ['lambda:InvokeFunction'], resources: [ORDERS] }),
    ]);
  });

  test('gives a warning', () => {
    const { warnings } = sandbox((stack) => ({ allowedFunctions: [orders(stack)] }));
    expect(warnings()).toEqual([expect.stringContaining('[ack: cdk-letta:ToolSandboxFunction.allowFunction]')]);
  });
});

describe('allowEndpoint', () => {
  test.each(['https://api.example.com', 'api.example.com', '*.example.com:443', '169.254.170.2:80', 'localhost:443'])(
    'fails with %s',
    (endpoint) => {
      expect(() => sandbox().sandbox.allowEndpoint(endpoint)).toThrow(`allowedEndpoints holds '${endpoint}'`);
    },
  );

  test('gives a warning', () => {
    const { warnings } = sandbox({ allowedEndpoints: ['api.example.com:443'] });
    expect(warnings()).toEqual([expect.stringContaining('lets tools out to api.example.com:443')]);
  });

  test('opens no way by itself: there is no gateway yet', () => {
    const { template } = sandbox({ allowedEndpoints: ['api.example.com:443'] });
    template().resourceCountIs('AWS::EC2::SecurityGroupEgress', 0);
  });
});

describe('the image', () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

  function folder(files: Record<string, string>): string {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-packages-'));
    folders.push(made);
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(made, name), content);
    return made;
  }

  function assetOf(props: Props) {
    const { app, stack } = sandbox(props);
    const { dockerImages } = JSON.parse(
      fs.readFileSync(path.join(app.synth().directory, `${stack.artifactId}.assets.json`), 'utf8'),
    );
    const [[hash, { source }]] = Object.entries<{ source: Record<string, unknown> }>(dockerImages);
    return { hash, source };
  }

  test('is built for the architecture of the function', () => {
    expect(assetOf({}).source.platform).toBe('linux/amd64');
    const arm = { architecture: lambda.Architecture.ARM_64 };
    expect(assetOf(arm).source.platform).toBe('linux/arm64');
    expect(functionOf(sandbox(arm).template()).Architectures).toEqual(['arm64']);
  });

  test('takes the bases that were given', () => {
    const props = { baseImage: 'registry.example.com/python:3.12', nodeBaseImage: 'registry.example.com/node:24' };
    expect(assetOf(props).source.dockerBuildArgs).toEqual({ BASE: props.baseImage, NODE_BASE: props.nodeBaseImage });
  });

  test('has the packages of a folder, and is another one when they change, wherever the folder is', () => {
    const [first, same, other] = ['requests==2.32.3', 'requests==2.32.3', 'requests==2.32.4'].map((line) =>
      folder({ 'requirements.txt': line }),
    );
    const asset = assetOf({ packages: first });
    expect(asset.source.dockerBuildContexts).toEqual({ packages: first });
    expect(assetOf({ packages: same }).hash).toBe(asset.hash);
    expect(assetOf({ packages: other }).hash).not.toBe(asset.hash);
    expect(assetOf({}).hash).not.toBe(asset.hash);
  });

  test.each<[string, Record<string, string>, string]>([
    ['without packages', { 'README.md': '' }, 'wanted a folder with a requirements.txt or a package.json'],
    ['with packages that no lock file holds still', { 'package.json': '{}' }, 'and no package-lock.json'],
  ])('fails with a folder %s', (_what, files, message) => {
    const packages = folder(files);
    expect(() => sandbox({ packages })).toThrow(message);
  });

  test('may be of your own, and then nothing is built', () => {
    const code = lambda.DockerImageCode.fromImageAsset(path.join(__dirname, '../../runtime/images/gateway'));
    expect(() => sandbox({ code, packages: '.' })).toThrow('code and packages are both given, wanted one of them');
    expect(() => sandbox({ code, baseImage: 'python:3.12' })).toThrow('code and baseImage are both given');
    expect(assetOf({ code }).source.directory).not.toContain('sandbox');
  });

  test.each(['baseImage', 'nodeBaseImage'])('fails with a %s that Docker could not pull', (prop) => {
    expect(() => sandbox({ [prop]: 'Not An Image' })).toThrow(`${prop} is 'Not An Image', wanted an image`);
  });
});
