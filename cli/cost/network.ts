import { HOURS, Pricer, lengthOf } from './cost-line';

export const vpcEndpoint: Pricer = ({ VpcEndpointType, SubnetIds, ServiceName }) => {
  if (VpcEndpointType !== 'Interface') return [];
  const zones = lengthOf(SubnetIds);
  const service = /\.([a-z0-9.-]+)"?\]?\]?\}?$/.exec(JSON.stringify(ServiceName ?? ''))?.[1] ?? 'interface';
  return [
    {
      what: `${service.replace(/^.*com\.amazonaws\.[^.]+\./, '')}, ${zones} ${zones === 1 ? 'zone' : 'zones'}`,
      price: 'vpc-endpoint/zone-hour',
      quantity: zones * HOURS,
    },
    { what: 'data through endpoints', price: 'vpc-endpoint/gb' },
  ];
};

export const loadBalancer: Pricer = ({ Type }) =>
  (Type ?? 'application') === 'application'
    ? [
        { what: 'application load balancer', price: 'alb/hour', quantity: HOURS },
        { what: 'load balancer capacity units', price: 'alb/lcu-hour' },
      ]
    : [{ what: `${String(Type)} load balancer`, unknown: 'only application load balancers are in the price table' }];

export const natGateway: Pricer = () => [
  { what: 'NAT gateway', price: 'nat-gateway/hour', quantity: HOURS },
  { what: 'data through NAT gateways', price: 'nat-gateway/gb' },
];

export const hostedZone: Pricer = () => [{ what: 'hosted zone', price: 'route53/zone-month', quantity: 1 }];

export const firewallDomainList: Pricer = ({ Domains }) => {
  const names = lengthOf(Domains);
  return [
    {
      what: `${names} ${names === 1 ? 'name' : 'names'} of the DNS firewall`,
      price: 'dns-firewall/domain-month',
      quantity: names,
    },
  ];
};

export const firewallRuleGroup: Pricer = () => [{ what: 'DNS queries', price: 'dns-firewall/query' }];

export const webAcl: Pricer = ({ Rules }) => [
  { what: 'web ACL', price: 'waf/acl-month', quantity: 1 },
  { what: `${lengthOf(Rules)} rules of AWS WAF`, price: 'waf/rule-month', quantity: lengthOf(Rules) },
  { what: 'requests that AWS WAF looks at', price: 'waf/request' },
];
