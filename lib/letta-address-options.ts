import * as route53 from 'aws-cdk-lib/aws-route53';
import { WebAcl } from './web-acl';

/** By which name clients reach a Letta service, and what looks at their requests first. */
export interface LettaAddressOptions {
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
}
