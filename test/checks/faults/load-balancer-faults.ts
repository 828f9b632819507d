import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

const TARGETS = 'AWS::ElasticLoadBalancingV2::TargetGroup';
const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const LOAD_BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';

function setAttribute(mutant: Mutant, key: string, value: string): void {
  const attributes = mutant.properties(LOAD_BALANCER).LoadBalancerAttributes;
  attributes.find(({ Key }: Properties) => Key === key).Value = value;
}

export const LOAD_BALANCER_FAULTS: InjectedFault[] = [
  {
    rule: 'public-load-balancer',
    name: 'the load balancer is internet-facing',
    inject: (mutant) => {
      mutant.properties(LOAD_BALANCER).Scheme = 'internet-facing';
    },
  },
  {
    rule: 'public-load-balancer',
    name: 'the load balancer has no scheme, which means the same',
    of: 'enterprise',
    inject: (mutant) => delete mutant.properties(LOAD_BALANCER).Scheme,
  },
  {
    rule: 'plaintext-listener',
    name: 'the listener speaks HTTP',
    inject: (mutant) => {
      const listener = mutant.properties(LISTENER);
      Object.assign(listener, { Protocol: 'HTTP', Port: 80 });
      delete listener.Certificates;
      delete listener.SslPolicy;
    },
  },
  {
    rule: 'plaintext-listener',
    name: 'a second listener speaks HTTP',
    inject: (mutant) => {
      const { LoadBalancerArn, DefaultActions } = mutant.properties(LISTENER);
      mutant.add('Second', LISTENER, { LoadBalancerArn, DefaultActions, Port: 80, Protocol: 'HTTP' });
      mutant.find('AWS::ECS::Service').DependsOn = [mutant.find('AWS::ECS::Service').DependsOn ?? [], 'Second'].flat();
    },
  },
  {
    rule: 'listener-without-certificate',
    name: 'HTTPS without a certificate',
    inject: (mutant) => delete mutant.properties(LISTENER).Certificates,
  },
  {
    rule: 'weak-tls',
    name: 'no TLS policy, which is the one of 2016',
    inject: (mutant) => delete mutant.properties(LISTENER).SslPolicy,
  },
  {
    rule: 'weak-tls',
    name: 'a TLS policy with 1.0',
    inject: (mutant) => {
      mutant.properties(LISTENER).SslPolicy = 'ELBSecurityPolicy-TLS13-1-0-2021-06';
    },
  },
  {
    rule: 'invalid-headers-kept',
    name: 'invalid headers are passed on',
    inject: (mutant) => setAttribute(mutant, 'routing.http.drop_invalid_header_fields.enabled', 'false'),
  },
  {
    rule: 'access-logs-off',
    name: 'no access logs',
    inject: (mutant) => setAttribute(mutant, 'access_logs.s3.enabled', 'false'),
  },
  {
    rule: 'access-logs-key',
    name: 'access logs under a KMS key',
    inject: (mutant) => {
      const [encryption] = mutant.properties('AWS::S3::Bucket').BucketEncryption.ServerSideEncryptionConfiguration;
      encryption.ServerSideEncryptionByDefault.SSEAlgorithm = 'aws:kms';
    },
  },
  {
    rule: 'access-logs-refused',
    name: 'the bucket lets nobody write access logs',
    inject: (mutant) => {
      const policy = mutant.properties('AWS::S3::BucketPolicy').PolicyDocument;
      policy.Statement = policy.Statement.filter(({ Effect }: Properties) => Effect === 'Deny');
    },
  },
  {
    rule: 'target-group-without-listener',
    name: 'the listener forwards elsewhere',
    inject: (mutant) => {
      mutant.properties(LISTENER).DefaultActions = [
        { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } },
      ];
    },
  },
  {
    rule: 'target-type',
    name: 'targets by instance',
    inject: (mutant) => {
      mutant.properties(TARGETS).TargetType = 'instance';
    },
  },
  {
    rule: 'target-protocol',
    name: 'the load balancer speaks TLS to a gateway that does not',
    inject: (mutant) => {
      mutant.properties(TARGETS).Protocol = 'HTTPS';
    },
  },
  {
    rule: 'health-check-path',
    name: 'the health check leaves out the slash',
    inject: (mutant) => {
      mutant.properties(TARGETS).HealthCheckPath = '/v1/health';
    },
  },
  {
    rule: 'container-name',
    name: 'the service sends its traffic to a container that is not there',
    inject: (mutant) => {
      mutant.properties('AWS::ECS::Service').LoadBalancers[0].ContainerName = 'proxy';
    },
  },
  {
    rule: 'container-port',
    name: 'the service sends its traffic to a port that is not mapped',
    inject: (mutant) => {
      mutant.properties('AWS::ECS::Service').LoadBalancers[0].ContainerPort = 8080;
    },
  },
  {
    rule: 'container-port',
    name: 'the gateway maps no port',
    of: 'enterprise',
    inject: (mutant) => delete mutant.container('gateway').PortMappings,
  },
  {
    rule: 'service-before-listener',
    name: 'the service does not wait for the listener',
    inject: (mutant) => {
      const service = mutant.find('AWS::ECS::Service');
      const listener = mutant.id(mutant.find(LISTENER));
      service.DependsOn = [service.DependsOn ?? []].flat().filter((id) => id !== listener);
    },
  },
  {
    rule: 'service-before-migration',
    name: 'the service does not wait for the migration',
    inject: (mutant) => {
      const service = mutant.find('AWS::ECS::Service');
      const migration = mutant.id(mutant.find('Custom::LettaMigration'));
      service.DependsOn = [service.DependsOn ?? []].flat().filter((id) => id !== migration);
    },
  },
  {
    rule: 'no-grace-period',
    name: 'tasks are ended before Letta has started',
    inject: (mutant) => delete mutant.properties('AWS::ECS::Service').HealthCheckGracePeriodSeconds,
  },
  {
    rule: 'exec-enabled',
    name: 'a shell in the tasks',
    inject: (mutant) => {
      mutant.properties('AWS::ECS::Service').EnableExecuteCommand = true;
    },
  },
  {
    rule: 'no-circuit-breaker',
    name: 'a failed deployment is not rolled back',
    inject: (mutant) => {
      mutant.properties('AWS::ECS::Service').DeploymentConfiguration.DeploymentCircuitBreaker.Rollback = false;
    },
  },
];
