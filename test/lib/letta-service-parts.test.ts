import { Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as fs from 'fs';
import * as path from 'path';
import { LettaImage, LettaServiceProps } from '../../lib';
import { containers, environment, service } from './letta-service-support';
import { Match, statementsOf, testApp } from './support';

const DIGEST = 'sha256:' + 'a'.repeat(64);

describe('images', () => {
  test('are built for ARM64 when the tasks are', () => {
    const { template, stack } = service({ cpuArchitecture: ecs.CpuArchitecture.ARM64 });
    template().allResourcesProperties('AWS::ECS::TaskDefinition', { RuntimePlatform: { CpuArchitecture: 'ARM64' } });
    expect(platforms(stack)).toEqual(['linux/arm64']);
  });

  test('are built for x86_64 otherwise, whatever builds them', () => {
    expect(platforms(service().stack)).toEqual(['linux/amd64']);
  });

  test('the one upstream published is wrapped, for x86_64 only', () => {
    expect(platforms(service({ image: LettaImage.fromDockerHub() }).stack)).toEqual(['linux/amd64']);
    expect(() => service({ image: LettaImage.fromDockerHub(), cpuArchitecture: ecs.CpuArchitecture.ARM64 })).toThrow(
      'Test/Letta: the image upstream published is pinned for x86_64, got cpuArchitecture ARM64: use ' +
        'LettaImage.fromPackage(), or leave cpuArchitecture out',
    );
  });

  test('of a repository may be pinned by digest without a warning', () => {
    const { warnings } = service(({ stack }) => ({
      image: LettaImage.fromEcr(ecr.Repository.fromRepositoryName(stack, 'Repository', 'letta'), DIGEST),
      gatewayImage: ecs.ContainerImage.fromRegistry(`example.com/gateway@${DIGEST}`),
    }));
    expect(warnings().join()).not.toContain('imageNotPinned');
  });

  test.each<[string, (stack: Stack) => Partial<LettaServiceProps>, string]>([
    [
      'letta',
      (stack) => ({ image: LettaImage.fromEcr(ecr.Repository.fromRepositoryName(stack, 'R', 'letta'), '0.16.8') }),
      'an image without a digest that is known at synth',
    ],
    [
      'gateway',
      () => ({ gatewayImage: ecs.ContainerImage.fromRegistry('example.com/gateway:1') }),
      "'example.com/gateway:1'",
    ],
  ])('of %s that is neither an asset nor pinned warns', (name, props, shown) => {
    const { warnings } = service(({ stack }) => props(stack));
    expect(warnings().join('\n')).toContain(
      `container '${name}' runs ${shown}, wanted an asset or a digest (sha256:…)`,
    );
  });

  test('are built on the bases of their Dockerfiles, or on those that are given', () => {
    expect(bases(service().stack)).toEqual({ gateway: undefined, letta: undefined });
    const [python, node] = [`mirror.example.com/python:3.11@${DIGEST}`, 'node:24-bookworm-slim'];
    const { stack } = service({ image: LettaImage.fromPackage({ baseImage: python }), gatewayBaseImage: node });
    expect(bases(stack)).toEqual({ gateway: node, letta: python });
  });

  test.each(['', 'python 3.11', 'python@sha256:abc', 'PYTHON:3.11', '--help'])("fail on the base '%s'", (base) => {
    const message = (prop: string) => `Test/Letta: ${prop} is '${base}', wanted an image such as`;
    expect(() => service({ image: LettaImage.fromPackage({ baseImage: base }) })).toThrow(message('baseImage'));
    expect(() => service({ gatewayBaseImage: base })).toThrow(message('gatewayBaseImage'));
  });

  test('fail with a base for a gateway that is not built here', () => {
    const gatewayImage = ecs.ContainerImage.fromRegistry(`example.com/gateway@${DIGEST}`);
    expect(() => service({ gatewayImage, gatewayBaseImage: 'node:24-bookworm-slim' })).toThrow(
      'Test/Letta: gatewayImage and gatewayBaseImage are both given, wanted one of them',
    );
  });

  test.each(['sha256:', `${DIGEST}0`, 'sha256:latest'])("of a repository fail with the digest '%s'", (digest) => {
    expect(() =>
      service(({ stack }) => ({
        image: LettaImage.fromEcr(ecr.Repository.fromRepositoryName(stack, 'Repository', 'letta'), digest),
      })),
    ).toThrow(`Test/Letta: the image's digest is '${digest}', wanted 'sha256:' and 64 hexadecimal digits`);
  });

  interface Source {
    readonly directory: string;
    readonly platform: string;
    readonly dockerBuildArgs?: { readonly BASE?: string };
  }

  function platforms(stack: Stack): string[] {
    return [...new Set(sources(stack).map(({ platform }) => platform))];
  }

  function bases(stack: Stack): Record<string, string | undefined> {
    const manifest = sources(stack).map((source) => [
      isGateway(source) ? 'gateway' : 'letta',
      source.dockerBuildArgs?.BASE,
    ]);
    return Object.fromEntries(manifest);
  }

  function isGateway({ directory }: Source): boolean {
    return fs.readdirSync(directory).includes('dist');
  }

  function sources(stack: Stack): Source[] {
    const assembly = (stack.node.root as ReturnType<typeof testApp>).synth();
    const manifest = assembly.artifacts.find((artifact) => 'contents' in artifact) as unknown as {
      contents: { dockerImages: Record<string, { source: Source }> };
    };
    return Object.values(manifest.contents.dockerImages).map(({ source }) => ({
      ...source,
      directory: path.join(assembly.directory, source.directory),
    }));
  }
});

describe("somebody else's parts", () => {
  test('are used instead of new ones', () => {
    const { template } = service(({ stack, vpc }) => ({
      cluster: new ecs.Cluster(stack, 'OwnCluster', { vpc }),
      taskRole: new iam.Role(stack, 'OwnTaskRole', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }),
      executionRole: new iam.Role(stack, 'OwnExecutionRole', {
        assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      }),
      apiPassword: new secretsmanager.Secret(stack, 'OwnPassword'),
    }));
    const result = template();
    result.resourceCountIs('AWS::ECS::Cluster', 1);
    result.resourceCountIs('AWS::SecretsManager::Secret', 1);
    result.hasResourceProperties('AWS::ECS::TaskDefinition', {
      TaskRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('OwnTaskRole'), 'Arn'] },
      ExecutionRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('OwnExecutionRole'), 'Arn'] },
    });
    expect(environment(containers(result).gateway).GATEWAY_API_PASSWORD_SECRET_ARN).toMatch(/^\$\{OwnPassword/);
    expect(statementsOf(result, 'OwnTaskRole').flatMap(({ Action }) => Action)).toContain('rds-db:connect');
  });

  test('a key encrypts the logs and the password', () => {
    const { template } = service(({ stack }) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
    template().allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: key });
    template().hasResourceProperties('AWS::SecretsManager::Secret', { KmsKeyId: key });
  });

  test('may be granted more by the service as a principal', () => {
    const { service: letta, stack, template } = service();
    new kms.Key(stack, 'Data').grantDecrypt(letta);
    expect(statementsOf(template(), 'LettaTaskDefinitionTaskRole').flatMap(({ Action }) => Action)).toContain(
      'kms:Decrypt',
    );
  });
});
