import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsService } from './aws-service';

/** Where the endpoint of one service comes from. A VPC has at most one with private DNS for each service. */
export class EndpointSource {
  /** Makes it on first need, with a policy that allows what its clients state. */
  public static create(): EndpointSource {
    return new EndpointSource('create');
  }

  /**
   * The VPC has it already. Rules from clients to it are made; its policy is its owner's.
   *
   * @param peer its security group, the endpoint itself if it knows its security groups, or for an endpoint elsewhere
   *   an `ec2.Peer` with its addresses, not everybody's; the S3 gateway has none
   */
  public static imported(peer?: ec2.IConnectable): EndpointSource {
    return new EndpointSource('imported', peer);
  }

  /** There is none, or you open the way to it: no endpoint and no rule is made. */
  public static skip(): EndpointSource {
    return new EndpointSource('skip');
  }

  private constructor(
    /** @internal */
    public readonly _kind: 'create' | 'imported' | 'skip',
    /** @internal */
    public readonly _peer?: ec2.IConnectable,
  ) {}
}

/** Where the endpoint of a service comes from. */
export interface ServiceEndpoint {
  /** The service. */
  readonly service: AwsService;
  /** Where its endpoint comes from. */
  readonly source: EndpointSource;
}
