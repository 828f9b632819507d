import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsService } from './aws-service';

/** What one thing in a VPC asks of one AWS service. */
export interface AwsCall {
  /** The service whose endpoint the calls go through. */
  readonly service: AwsService;

  /** The actions, e.g. `secretsmanager:GetSecretValue`. */
  readonly actions: string[];

  /** ARNs of what they act on, or `*` alone for actions that have no resource type. */
  readonly resources: string[];

  /**
   * Whether the resources are AWS's own, e.g. foundation models: then no condition on their owner can hold.
   *
   * @default false
   */
  readonly awsOwned?: boolean;

  /**
   * Whether the calls go by URLs that an AWS service has signed, e.g. those of image layers: then no condition on the
   * caller can hold either.
   *
   * @default false
   */
  readonly presigned?: boolean;
}

/** Something in a VPC that calls AWS, and says which calls it makes there. */
export interface IAwsClient extends ec2.IConnectable {
  /** Every call it makes from inside the VPC. What AWS does for it elsewhere, e.g. a function's logs, is not among them. */
  readonly awsCalls: AwsCall[];

  /**
   * Others that it does not work without: who serves it serves them too.
   *
   * @default - none
   */
  readonly companions?: IAwsClient[];

  /**
   * For those whose calls become more: tells who serves it.
   *
   * @internal
   */
  _onMoreCalls?(serve: () => void): void;
}
