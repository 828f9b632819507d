import { Duration, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import {
  LettaBedrockStack,
  LettaBedrockStackProps,
  LettaImage,
  SealedNetwork,
  ToolSandbox,
  ToolSandboxCodeInterpreter,
  ToolSandboxFunction,
} from '../../lib';
import { containers, environment, service } from './letta-service-support';
import { asText, isolatedVpc, Match, Statement, statementsOf, Template, testApp, warningsOf } from './support';

const ORDERS = 'arn:aws:lambda:us-east-1:111122223333:function:orders';

function environments(template: Template) {
  const { gateway, letta } = containers(template);
  return { gateway: environment(gateway), letta: environment(letta) };
}

describe('a service without customTools', () => {
  const { gateway, letta } = environments(service().template());

  test('has no sandbox, and its gateway no listener for one', () => {
    expect(gateway.GATEWAY_LISTENERS.split(',')).not.toContain('sandbox');
    expect(gateway).not.toHaveProperty('GATEWAY_SANDBOX');
    expect(gateway.GATEWAY_OPEN_ROUTES).toBe('');
  });

  test('sends tools to a sandbox that nothing leads to', () => {
    expect(letta.E2B_API_KEY).toBe('the-gateway-signs');
    expect(letta).not.toHaveProperty('E2B_DEBUG');
    expect(letta.NO_PROXY).not.toContain('localhost');
  });
});

describe('a service with a function for tools', () => {
  const { service: made, template } = service({
    customTools: ToolSandbox.function({ timeout: Duration.seconds(60), maxRunsPerAgent: 2 }),
  });

  test('tells its gateway the function and the limits', () => {
    const { gateway } = environments(template());
    expect(gateway.GATEWAY_LISTENERS.split(',')).toContain('sandbox');
    expect(JSON.parse(gateway.GATEWAY_SANDBOX)).toEqual({
      kind: 'function',
      functionArn: expect.stringMatching(/^\$\{LettaToolSandboxFunction\w+\.Arn\}$/),
      allowedEndpoints: [],
      timeoutSeconds: 60,
      maxRunsPerAgent: 2,
    });
  });

  test('opens the routes for tools, and no others', () => {
    expect(environments(template()).gateway.GATEWAY_OPEN_ROUTES).toBe('customTools');
  });

  test('has Letta speak to the gateway as its sandbox, with a placeholder, past the proxy', () => {
    const { letta } = environments(template());
    expect(letta).toMatchObject({ E2B_API_KEY: 'the-gateway-signs', E2B_DEBUG: 'true' });
    // Its calls to the sandbox's other ports heed no proxy: `localhost` as a whole would be a way to Letta's own port.
    expect(letta.NO_PROXY.split(',')).toEqual(['127.0.0.1:4566', '127.0.0.1:11434', 'localhost:3000']);
  });

  test('may invoke exactly this function', () => {
    const found = statementsOf(template(), 'TaskRole').filter(({ Action }) =>
      JSON.stringify(Action).includes('lambda:'),
    );
    expect(found.map(({ Action, Resource }: Statement) => [Action, asText(Resource)])).toEqual([
      ['lambda:InvokeFunction', expect.stringMatching(/^\$\{LettaToolSandboxFunction\w+\.Arn\}$/)],
    ]);
  });

  test('states the call for the endpoint, and the function as a companion that calls nothing', () => {
    expect(made.awsCalls.filter(({ service: { name } }) => name === 'lambda')).toHaveLength(1);
    expect(made.companions).toContain(made.toolSandbox);
    expect(made.toolSandbox!.client!.awsCalls).toEqual([]);
  });

  test('opens no way between function and tasks', () => {
    const rules = { ...template().findResources('AWS::EC2::SecurityGroupEgress') };
    expect(Object.keys(rules).filter((id) => id.includes('ToolSandbox'))).toEqual([]);
  });

  test('gives no warning for it', () => {
    const { warnings } = service({ customTools: ToolSandbox.function() });
    expect(warnings()).toEqual([expect.stringContaining('LettaService.http')]);
  });

  test('gives it its processor and its subnets', () => {
    const arm = service({ cpuArchitecture: ecs.CpuArchitecture.ARM64, customTools: ToolSandbox.function() }).template();
    arm.hasResourceProperties('AWS::Lambda::Function', { PackageType: 'Image', Architectures: ['arm64'] });
    const [fn] = Object.values(arm.findResources('AWS::Lambda::Function', { Properties: { PackageType: 'Image' } }));
    const [{ Properties }] = Object.values(arm.findResources('AWS::ECS::Service'));
    const { Subnets } = Properties.NetworkConfiguration.AwsvpcConfiguration;
    expect(fn.Properties.VpcConfig.SubnetIds).toEqual(Subnets);
  });
});

describe('a service with a code interpreter for tools', () => {
  const { template, service: made } = service({ customTools: ToolSandbox.codeInterpreter() });

  test('tells its gateway which, and how long sessions are kept', () => {
    expect(JSON.parse(environments(template()).gateway.GATEWAY_SANDBOX)).toEqual({
      kind: 'codeInterpreter',
      codeInterpreterId: expect.stringMatching(/CodeInterpreterId/),
      sessionIdleSeconds: 900,
      timeoutSeconds: 180,
      maxRunsPerAgent: 1,
    });
  });

  test('makes no function, and has no companion for it', () => {
    template().resourcePropertiesCountIs('AWS::Lambda::Function', { PackageType: 'Image' }, 0);
    expect(made.companions).toHaveLength(1);
  });
});

test('a sandbox may be one that several services share', () => {
  const { service: made } = service(({ stack, vpc }) => ({
    customTools: ToolSandbox.fromSandbox(new ToolSandboxFunction(stack, 'Shared', { vpc })),
  }));
  expect(made.toolSandbox!.node.path).toBe('Test/Shared');
});

describe('allowEndpoint', () => {
  const proxied = {
    Description: 'tools to the proxy of the gateway',
    FromPort: 3129,
    ToPort: 3129,
    SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('ToolSandbox'), 'GroupId'] },
  };

  test('lets the function to the port of the proxy on the tasks, and nowhere else', () => {
    const { template } = service({ customTools: ToolSandbox.function({ allowedEndpoints: ['api.example.com:443'] }) });
    template().hasResourceProperties('AWS::EC2::SecurityGroupIngress', proxied);
    const egress = Object.entries(template().findResources('AWS::EC2::SecurityGroupEgress'));
    const own = egress.filter(([, { Properties }]) => JSON.stringify(Properties.GroupId).includes('ToolSandbox'));
    expect(own.map(([, { Properties }]) => Properties.ToPort)).toEqual([3129]);
  });

  test('said later is told to the gateway, once to the security groups', () => {
    const { template, service: made } = service({ customTools: ToolSandbox.function() });
    made.toolSandbox!.allowEndpoint('API.example.com:443');
    made.toolSandbox!.allowEndpoint('10.2.0.7:8443');
    const { allowedEndpoints } = JSON.parse(environments(template()).gateway.GATEWAY_SANDBOX);
    expect(allowedEndpoints).toEqual(['api.example.com:443', '10.2.0.7:8443']);
    template().resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', proxied, 1);
  });
});

test('a sandbox of another stack is let to the proxy by rules of the service’s stack', () => {
  const app = testApp();
  const foundation = new Stack(app, 'Foundation');
  const network = new SealedNetwork(foundation, 'Network');
  const shared = new ToolSandboxFunction(foundation, 'Shared', { vpc: network.vpc });
  const customTools = ToolSandbox.fromSandbox(shared);
  const stacks = ['One', 'Two'].map((id) => new LettaBedrockStack(app, id, { http: true, network, customTools }));
  shared.allowEndpoint('api.example.com:443');
  for (const stack of stacks) {
    for (const direction of ['Ingress', 'Egress']) {
      const type = `AWS::EC2::SecurityGroup${direction}`;
      Template.fromStack(stack).hasResourceProperties(type, { Description: 'tools to the proxy of the gateway' });
    }
  }
});

describe('what cannot be together', () => {
  test('fails with a sandbox of another region', () => {
    const app = testApp();
    const env = { account: '111122223333', region: 'eu-west-1' };
    const shared = new ToolSandboxCodeInterpreter(new Stack(app, 'Foundation', { env }), 'Shared');
    const elsewhere = { ...env, region: 'us-east-1' };
    const customTools = ToolSandbox.fromSandbox(shared);
    expect(() => new LettaBedrockStack(app, 'Letta', { env: elsewhere, http: true, customTools })).toThrow(
      "customTools is of region 'eu-west-1', wanted one of the stack's region 'us-east-1'",
    );
  });

  test('fails with a sandbox of another account', () => {
    const app = testApp();
    const env = { account: '111122223333', region: 'us-east-1' };
    const shared = new ToolSandboxCodeInterpreter(new Stack(app, 'Foundation', { env }), 'Shared');
    const elsewhere = { ...env, account: '444455556666' };
    const customTools = ToolSandbox.fromSandbox(shared);
    expect(() => new LettaBedrockStack(app, 'Letta', { env: elsewhere, http: true, customTools })).toThrow(
      "customTools is of account '111122223333', wanted one of the stack's account '444455556666'",
    );
  });

  describe('a sandbox of another VPC', () => {
    const wanted = 'vpc is Foundation/Vpc and that of Letta/Service is Letta/Network/Vpc, wanted the same one';
    const ways: [string, (made: ToolSandboxFunction) => void][] = [
      ['a function', (made) => made.allowFunction(lambda.Function.fromFunctionArn(Stack.of(made), 'Orders', ORDERS))],
      ['an endpoint', (made) => made.allowEndpoint('api.example.com:443')],
    ];

    function foundation() {
      const app = testApp();
      const stack = new Stack(app, 'Foundation');
      const shared = new ToolSandboxFunction(stack, 'Shared', { vpc: isolatedVpc(stack) });
      const serve = () =>
        new LettaBedrockStack(app, 'Letta', { http: true, customTools: ToolSandbox.fromSandbox(shared) });
      return { app, shared, serve };
    }

    test.each(ways)('fails when its tools may reach %s', (_what, allow) => {
      const { shared, serve } = foundation();
      allow(shared);
      expect(serve).toThrow(wanted);
    });

    test.each(ways)('fails when its tools may reach %s later', (_what, allow) => {
      const { shared, serve } = foundation();
      serve();
      expect(() => allow(shared)).toThrow(wanted);
    });

    test('does while its tools reach nothing: it is called by AWS', () => {
      const { app, serve } = foundation();
      serve();
      expect(() => app.synth()).not.toThrow();
    });

    test.each([
      ['another id fails', 'vpc-2', false],
      ['the same id does', 'vpc-1', true],
      ['an id that is known at deployment does', Fn.importValue('Vpc'), true],
    ])('that was imported with %s', (_what, vpcId, does) => {
      const app = testApp();
      const imported = (id: string, vpc: string) => {
        const stack = new Stack(app, id);
        const availabilityZones = ['us-east-1a', 'us-east-1b'];
        const isolatedSubnetIds = ['subnet-1', 'subnet-2'];
        const attributes = { vpcId: vpc, availabilityZones, isolatedSubnetIds };
        return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', attributes);
      };
      const [one, two] = [imported('One', 'vpc-1'), imported('Two', vpcId)];
      const shared = new ToolSandboxFunction(Stack.of(one), 'Shared', { vpc: one });
      shared.allowEndpoint('api.example.com:443');
      const make = () =>
        new LettaBedrockStack(app, 'Letta', { http: true, vpc: two, customTools: ToolSandbox.fromSandbox(shared) });
      if (does) expect(make).not.toThrow();
      else expect(make).toThrow('vpc is One/Vpc and that of Letta/Service is Two/Vpc, wanted the same one');
    });
  });

  test('fails at synth with the security group of the tasks, which reaches the database', () => {
    const { template } = service(({ stack, vpc }) => {
      const securityGroup = new ec2.SecurityGroup(stack, 'Same', { vpc, allowAllOutbound: false });
      return { securityGroup, customTools: ToolSandbox.function({ securityGroup }) };
    });
    expect(template).toThrow("('Letta service to its database'), wanted one that lets out what is declared");
  });

  test('fails with tools in the Letta container as well', () => {
    expect(() => service({ customTools: ToolSandbox.function(), unsafeToolsInLettaContainer: true })).toThrow(
      'customTools and unsafeToolsInLettaContainer are both given, wanted one of them',
    );
  });

  test('an image of your own gives a warning: the server itself must be patched', () => {
    const { warnings } = service(({ stack }) => ({
      customTools: ToolSandbox.function(),
      image: LettaImage.fromEcr(
        ecr.Repository.fromRepositoryName(stack, 'Images', 'letta'),
        `sha256:${'0'.repeat(64)}`,
      ),
    }));
    expect(warnings()).toContainEqual(expect.stringContaining('[ack: cdk-letta:LettaService.imageWithCustomTools]'));
  });

  test.each([LettaImage.fromPackage(), LettaImage.fromDockerHub()])('an image built here gives none', (image) => {
    const { warnings } = service({ customTools: ToolSandbox.function(), image });
    expect(warnings()).toEqual([expect.stringContaining('LettaService.http')]);
  });
});

describe('LettaBedrockStack', () => {
  function stackWith(customTools: ToolSandbox, props: LettaBedrockStackProps = {}) {
    const app = testApp();
    const stack = new LettaBedrockStack(app, 'Letta', { http: true, customTools, ...props });
    return { app, stack, template: () => Template.fromStack(stack) };
  }

  function endpointActions(template: Template, name: string): unknown[] {
    const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
    const found = endpoints.filter(({ Properties }) => asText(Properties.ServiceName).endsWith(`.${name}`));
    return found.flatMap(({ Properties }) => Properties.PolicyDocument.Statement.map((s: Statement) => s.Resource));
  }

  test('makes the endpoint of Lambda for the tasks, and lets the function to none', () => {
    const template = stackWith(ToolSandbox.function()).template();
    expect(endpointActions(template, 'lambda')).toEqual([
      { 'Fn::GetAtt': [expect.stringMatching(/^ServiceToolSandboxFunction/), 'Arn'] },
    ]);
    const egress = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'));
    const own = egress.filter(({ Properties }) => JSON.stringify(Properties.GroupId).includes('ToolSandbox'));
    expect(own).toEqual([]);
  });

  test('encrypts the logs of the function with its key', () => {
    const template = stackWith(ToolSandbox.function(), { customerManagedKey: true }).template();
    const own = Object.entries(template.findResources('AWS::Logs::LogGroup')).filter(([id]) =>
      id.includes('ToolSandbox'),
    );
    expect(own.map(([, { Properties }]) => asText(Properties.KmsKeyId))).toEqual([expect.stringContaining('Key')]);
  });

  test('makes the endpoint of AgentCore for a code interpreter', () => {
    const template = stackWith(ToolSandbox.codeInterpreter()).template();
    expect(endpointActions(template, 'bedrock-agentcore')).toHaveLength(1);
    expect(endpointActions(template, 'lambda')).toEqual([]);
  });

  test('serves a function that is allowed after the stack was made', () => {
    const { stack, template } = stackWith(ToolSandbox.function());
    stack.service.toolSandbox!.allowFunction(lambda.Function.fromFunctionArn(stack, 'Orders', ORDERS));
    expect(endpointActions(template(), 'lambda')).toContain(ORDERS);
    const egress = Object.values(template().findResources('AWS::EC2::SecurityGroupEgress'));
    const own = egress.filter(({ Properties }) => JSON.stringify(Properties.GroupId).includes('ToolSandbox'));
    expect(own.map(({ Properties }) => Properties.ToPort)).toEqual([443]);
  });

  test('answers the names of endpoints that tools may reach, which the gateway looks up', () => {
    const template = stackWith(ToolSandbox.function({ allowedEndpoints: ['api.example.com:443'] })).template();
    const lists = Object.values(template.findResources('AWS::Route53Resolver::FirewallDomainList'));
    expect(JSON.stringify(lists)).toContain('"api.example.com');
  });

  test('gives its warnings of ways out only', () => {
    const { app, stack } = stackWith(ToolSandbox.function());
    stack.service.toolSandbox!.allowEndpoint('api.example.com:443');
    expect(warningsOf(app)).toEqual([
      expect.stringContaining('LettaService.http'),
      expect.stringContaining('ToolSandboxFunction.allowEndpoint'),
    ]);
  });
});
