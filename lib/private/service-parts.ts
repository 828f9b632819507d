import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';

/** What a service was made of, for tasks that run beside it. */
export interface ServiceParts {
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets: ec2.SubnetSelection;
  readonly gatewayImage: ecs.ContainerImage;
  readonly cpuArchitecture: ecs.CpuArchitecture;
  /** VPC whose endpoints secrets must be read through. */
  readonly sourceVpc?: ec2.IVpc;
  readonly encryptionKey?: kms.IKey;
  /** Whether the service's `url` is on a name that its certificate, if it has one, can be for. */
  readonly isReachedByName: boolean;
}
