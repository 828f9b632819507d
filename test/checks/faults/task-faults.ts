import { InjectedFault } from './fault';

const DIGEST = `sha256:${'0'.repeat(64)}`;

export const TASK_FAULTS: InjectedFault[] = [
  {
    rule: 'image-without-digest',
    name: 'an image by a tag that can be moved',
    inject: (mutant) => {
      mutant.container('gateway').Image = {
        'Fn::Sub': '${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/gateway:1.0',
      };
    },
  },
  {
    rule: 'image-outside-ecr',
    name: 'an image of Docker Hub, by its digest',
    inject: (mutant) => {
      mutant.container('letta').Image = `letta/letta@${DIGEST}`;
    },
  },
  {
    rule: 'writable-root',
    name: 'the Letta container can write its root file system',
    inject: (mutant) => {
      mutant.container('letta').ReadonlyRootFilesystem = false;
    },
  },
  {
    rule: 'runs-as-root',
    name: 'the gateway runs as root',
    inject: (mutant) => {
      mutant.container('gateway').User = '0:0';
    },
  },
  {
    rule: 'runs-as-root',
    name: 'the Letta container runs as its image says',
    of: 'enterprise',
    inject: (mutant) => delete mutant.container('letta').User,
  },
  {
    rule: 'capabilities-kept',
    name: 'capabilities are not dropped',
    inject: (mutant) => delete mutant.container('letta').LinuxParameters,
  },
  {
    rule: 'capabilities-kept',
    name: 'one capability is added',
    inject: (mutant) => {
      mutant.container('gateway').LinuxParameters.Capabilities.Add = ['SYS_PTRACE'];
    },
  },
  {
    rule: 'container-without-logs',
    name: 'the Letta container logs nowhere',
    inject: (mutant) => delete mutant.container('letta').LogConfiguration,
  },
  {
    rule: 'shared-processes',
    name: "containers see each other's processes",
    inject: (mutant) => {
      mutant.task().Properties.PidMode = 'task';
    },
  },
  {
    rule: 'no-execution-role',
    name: 'no execution role',
    inject: (mutant) => delete mutant.task().Properties.ExecutionRoleArn,
  },
  {
    rule: 'dependency-without-health-check',
    name: 'Letta waits for the health of a gateway that has no health check',
    also: ['gateway-without-health-check'],
    inject: (mutant) => delete mutant.container('gateway').HealthCheck,
  },
  {
    rule: 'gateway-without-health-check',
    name: 'Letta does not wait for the gateway',
    inject: (mutant) => delete mutant.container('letta').DependsOn,
  },
  {
    rule: 'secret-in-environment',
    name: 'the API password as a dynamic reference in a variable',
    inject: (mutant) =>
      mutant.variable('gateway', 'GATEWAY_API_PASSWORD', {
        'Fn::Join': ['', ['{{resolve:secretsmanager:', mutant.apiPassword(), ':SecretString:::}}']],
      }),
  },
  {
    rule: 'secret-in-environment',
    name: 'a static key of AWS',
    inject: (mutant) => mutant.variable('letta', 'AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE'),
  },
  {
    rule: 'secret-in-environment',
    name: 'a password in the address of the database',
    inject: (mutant) => mutant.variable('letta', 'LETTA_PG_URI', 'postgresql://letta:hunter2@127.0.0.1:6432/letta'),
  },
  {
    rule: 'secret-in-environment',
    name: 'the key that Letta encrypts with',
    inject: (mutant) => mutant.variable('letta', 'LETTA_ENCRYPTION_KEY', 'correct horse battery staple'),
  },
  {
    rule: 'secret-in-environment',
    name: 'a password in the environment of the set-up function',
    inject: (mutant) => {
      const set = mutant.properties('AWS::Lambda::Function', ({ Properties }) => Boolean(Properties.VpcConfig));
      set.Environment.Variables.DATABASE_MASTER_PASSWORD = 'hunter2';
    },
  },
  {
    rule: 'letta-has-secret',
    name: 'the Letta container gets a secret',
    inject: (mutant) => {
      mutant.container('letta').Secrets = [{ Name: 'LETTA_SERVER_PASSWORD', ValueFrom: mutant.apiPassword() }];
    },
  },
  {
    rule: 'letta-sees-task-role',
    name: "Letta keeps the address of the task role's credentials",
    inject: (mutant) => {
      mutant.container('letta').Command = ['letta', 'server', '--host', '127.0.0.1', '--port', '8284'];
    },
  },
  {
    rule: 'letta-bypasses-gateway',
    name: 'Letta calls Bedrock itself',
    inject: (mutant) =>
      mutant.variable('letta', 'AWS_ENDPOINT_URL_BEDROCK', {
        'Fn::Sub': 'https://bedrock.${AWS::Region}.amazonaws.com',
      }),
  },
  {
    rule: 'letta-bypasses-gateway',
    name: 'Letta speaks to the cache itself, without TLS',
    inject: (mutant) => mutant.variable('letta', 'LETTA_REDIS_HOST', mutant.valueOf('gateway', 'GATEWAY_CACHE_HOST')),
  },
  {
    rule: 'letta-not-on-loopback',
    name: 'Letta listens on every address',
    inject: (mutant) => {
      const { Command } = mutant.container('letta');
      Command[Command.indexOf('--host') + 1] = '0.0.0.0';
    },
  },
  {
    rule: 'letta-not-on-loopback',
    name: "Letta's port is mapped",
    inject: (mutant) => {
      mutant.container('letta').PortMappings = [{ ContainerPort: 8284, Protocol: 'tcp' }];
    },
  },
  {
    rule: 'letta-without-gateway',
    name: 'the public documents: Letta alone, with a password',
    also: ['container-name', 'letta-has-secret', 'task-role-reads-other-secret'],
    inject: (mutant) => {
      const letta = mutant.container('letta');
      delete letta.DependsOn;
      letta.Secrets = [{ Name: 'LETTA_SERVER_PASSWORD', ValueFrom: mutant.apiPassword() }];
      mutant.task().Properties.ContainerDefinitions = [letta];
    },
  },
];
