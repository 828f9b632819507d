import { Template } from 'aws-cdk-lib/assertions';
import { AwsService, LettaBedrockStack } from '../../lib';
import { asList, asText, testApp } from '../lib/support';
import { monthlyPrice } from './endpoint-prices';
import { reportFigure } from './figures';
import { generatedPart } from './generated-part';

const DOCUMENT = 'docs/network.md';
const template = Template.fromStack(new LettaBedrockStack(testApp(), 'LettaBedrockStack', { http: true }));
const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) => ({
  name: asText(Properties.ServiceName).split('.').slice(3).join('.'),
  isInterface: Properties.VpcEndpointType === 'Interface',
  actions: actionsOf(Properties.PolicyDocument.Statement),
}));
const made = endpoints.filter(({ isInterface }) => isInterface).length;

/** Every service that this library knows: what a list that does not look at its clients would have. */
const known = Object.values(AwsService).filter((service) => service instanceof AwsService && !service.isGateway).length;

function actionsOf(statements: { Action: string | string[] }[]): string[] {
  return [...new Set(statements.flatMap(({ Action }) => asList(Action)))].sort();
}

test('the document has the endpoints of the default stack, with what they let through', () => {
  const lines = [
    '| endpoint | lets through |',
    '|---|---|',
    ...endpoints
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map(({ name, actions }) => `| \`${name}\` | ${actions.map((action) => `\`${action}\``).join(', ')} |`),
  ];
  const { inDocument, generated } = generatedPart(DOCUMENT, 'endpoints', lines);
  expect(inDocument).toBe(generated);
});

test('the document has their price, against that of all services known here', () => {
  expect(made).toBe(6);
  const row = (name: string, number: number): string =>
    `| ${name} | ${number} | ${dollars(number, 1)} | ${dollars(number, 2)} | ${dollars(number, 3)} |`;
  const lines = [
    '| interface endpoints, us-east-1, November 2026 | number | a month, one zone | two zones | three zones |',
    '|---|---|---|---|---|',
    row('computed from what is called', made),
    row('every service this library knows', known),
  ];
  const { inDocument, generated } = generatedPart(DOCUMENT, 'endpoint prices', lines);
  expect(inDocument).toBe(generated);
  reportFigure('endpoints', made);
});

function dollars(number: number, zones: number): string {
  return `$${monthlyPrice(number, zones).toFixed(2)}`;
}
