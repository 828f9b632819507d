import { Duration } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { WebAcl } from './web-acl';

/** How clients reach a Letta service: by which name, over what, past what. */
export interface LettaLoadBalancerOptions {
  /**
   * Certificate of the load balancer.
   *
   * @default - none: `http` must then be true
   */
  readonly certificate?: acm.ICertificate;

  /**
   * Serves plain HTTP, so that the API password crosses the network unencrypted. Gives a warning.
   *
   * @default false
   */
  readonly http?: boolean;

  /**
   * Name that clients use, e.g. `letta.example.com`: the certificate must be for it. The service's `url` is on this name.
   *
   * Clients verify the certificate, so they must know who issued it. One of a private authority (AWS Private CA, or your own
   * imported into ACM) wants that authority's root in each client's trust store: `NODE_EXTRA_CA_CERTS` for Node.js,
   * `SSL_CERT_FILE` for Letta's Python client.
   *
   * @default - the load balancer's own name, which no certificate is for
   */
  readonly domainName?: string;

  /**
   * Zone that gets an alias record from `domainName` to the load balancer. Its addresses are private: a private zone must be
   * associated with the clients' VPCs, a public one tells them to everybody.
   *
   * @default - none: make the record yourself, with `service.loadBalancer`
   */
  readonly hostedZone?: route53.IHostedZone;

  /**
   * AWS WAF before the load balancer: `WebAcl.managed()`, or an ACL of your own. The gateway authenticates callers and
   * bounds what they send with or without it.
   *
   * @default - none
   */
  readonly webAcl?: WebAcl;

  /**
   * What the load balancer speaks to the tasks. With HTTPS each task makes a key and a certificate of its own when it
   * starts; the key is never written down. A load balancer does not verify its targets' certificates, so this hides
   * what passes from whoever can read along in the VPC, and no more ("Target groups for your Application Load
   * Balancers", Elastic Load Balancing User Guide). Changing it interrupts a running service until new tasks stand.
   *
   * @default elbv2.ApplicationProtocol.HTTP
   */
  readonly targetProtocol?: elbv2.ApplicationProtocol;

  /**
   * How long a request may stay silent before the load balancer or the gateway cuts it. Agent turns last minutes.
   *
   * @default Duration.minutes(10)
   */
  readonly idleTimeout?: Duration;

  /**
   * How long running turns may go on when a task is replaced, before ECS stops its containers: Letta first, which may then
   * finish its requests for up to two minutes. Background runs hold no connection, so nothing waits for them.
   *
   * @default - `idleTimeout`
   */
  readonly deregistrationDelay?: Duration;

  /**
   * Security group of the load balancer.
   *
   * @default - a new one that allows nothing but what `allowFrom` says
   */
  readonly loadBalancerSecurityGroup?: ec2.ISecurityGroup;

  /**
   * Whether AWS refuses to delete the load balancer, and with it the name that clients use. It holds no data; protected, a
   * first deployment that fails leaves it behind, and `cdk destroy` waits until somebody takes the protection off.
   *
   * @default false
   */
  readonly loadBalancerDeletionProtection?: boolean;

  /**
   * Bucket of the load balancer's access logs, in the same region. Load balancers write to no bucket with a KMS key.
   *
   * A bucket made in the app gets the permission by itself. The owner of an imported one must allow
   * `logdelivery.elasticloadbalancing.amazonaws.com` to `s3:PutObject` on `AWSLogs/<account>/*`, the account being this
   * stack's, or the load balancer cannot be made.
   *
   * @default - a new one with S3-managed encryption
   */
  readonly accessLogsBucket?: s3.IBucket;
}
