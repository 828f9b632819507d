import { LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { keysIn, list, Properties, Resource, text } from './template';

const AREA = 'Guardrails';

function guardrails(parts: LettaParts): Resource[] {
  return parts.templates.ofType('AWS::Bedrock::Guardrail');
}

function filters({ properties }: Resource): Properties[] {
  return list(properties.ContentPolicyConfig?.FiltersConfig);
}

/** Guardrails of the app that a gateway sends with its calls. */
function used(parts: LettaParts): Resource[] {
  const keys = new Set(parts.gateways().flatMap(({ environment }) => keysIn(environment.GATEWAY_GUARDRAIL_ID)));
  return guardrails(parts).filter(({ key }) => keys.has(key));
}

/** What a guardrail lists by name, where a name may stand once. */
function named({ properties }: Resource): [property: string, names: string[]][] {
  const {
    ContentPolicyConfig: content,
    SensitiveInformationPolicyConfig: sensitive,
    TopicPolicyConfig: topic,
  } = properties;
  const types = (entries: unknown, key: string): string[] => list(entries).map((entry: Properties) => text(entry[key]));
  return [
    ['ContentPolicyConfig/FiltersConfig', types(content?.FiltersConfig, 'Type')],
    ['SensitiveInformationPolicyConfig/PiiEntitiesConfig', types(sensitive?.PiiEntitiesConfig, 'Type')],
    ['SensitiveInformationPolicyConfig/RegexesConfig', types(sensitive?.RegexesConfig, 'Name')],
    ['TopicPolicyConfig/TopicsConfig', types(topic?.TopicsConfig, 'Name')],
  ];
}

function repeated(guardrail: Resource): Fault[] {
  return named(guardrail).flatMap(([property, names]) => {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    return twice ? [fault(guardrail, property, `${twice} twice`)] : [];
  });
}

/** What a guardrail filters, and that a version belongs to its guardrail. */
export const GUARDRAIL_RULES: Rule[] = [
  {
    id: 'prompt-attack-output',
    area: AREA,
    reason: 'the filter PROMPT_ATTACK judges input only; Bedrock refuses another output strength than NONE',
    fix: 'set OutputStrength of PROMPT_ATTACK to NONE',
    judge: (parts) =>
      faults(guardrails(parts), 'ContentPolicyConfig/FiltersConfig', (guardrail) => {
        const filter = filters(guardrail).find(
          ({ Type, OutputStrength }) => Type === 'PROMPT_ATTACK' && OutputStrength !== 'NONE',
        );
        return filter && `OutputStrength ${filter.OutputStrength}`;
      }),
  },
  {
    id: 'guardrail-filter-twice',
    area: AREA,
    reason: 'a guardrail lists a filter twice, which Bedrock refuses',
    fix: 'list it once',
    judge: (parts) => guardrails(parts).flatMap(repeated),
  },
  {
    id: 'guardrail-empty',
    area: AREA,
    reason: 'a guardrail has no policy at all, which Bedrock refuses',
    fix: 'add content filters, denied topics, words or sensitive information',
    judge: (parts) =>
      faults(
        guardrails(parts),
        '',
        ({ properties }) => !Object.keys(properties).some((name) => /PolicyConfig$/.test(name)) && 'no policy',
      ),
  },
  {
    id: 'guardrail-without-prompt-attack',
    area: AREA,
    reason: "the guardrail of Letta's calls does not look for prompt attacks, which agents meet in all that they read",
    fix: 'add the content filter PROMPT_ATTACK with an InputStrength, and OutputStrength NONE',
    judge: (parts) =>
      faults(used(parts), 'ContentPolicyConfig/FiltersConfig', (guardrail) => {
        const filter = filters(guardrail).find(({ Type }) => Type === 'PROMPT_ATTACK');
        return (!filter || filter.InputStrength === 'NONE') && 'no PROMPT_ATTACK on input';
      }),
  },
  {
    id: 'guardrail-filter-off',
    area: AREA,
    reason: 'a content filter has strength NONE in both directions: it is listed and does nothing',
    fix: 'give it a strength, or leave it out',
    judge: (parts) =>
      faults(guardrails(parts), 'ContentPolicyConfig/FiltersConfig', (guardrail) =>
        text(
          filters(guardrail).find(
            ({ InputStrength, OutputStrength }) => InputStrength === 'NONE' && OutputStrength === 'NONE',
          )?.Type ?? '',
        ),
      ),
  },
  {
    id: 'guardrail-version-of-another',
    area: AREA,
    reason: 'the gateway sends a guardrail with the version of another one, and Bedrock refuses every chat call',
    fix: 'take identifier and version from the same guardrail',
    judge: (parts) =>
      parts.gateways().flatMap(({ task, index, environment }) => {
        const guardrail = keysIn(environment.GATEWAY_GUARDRAIL_ID)[0];
        const versions = parts.templates
          .named(environment.GATEWAY_GUARDRAIL_VERSION)
          .filter(({ type }) => type === 'AWS::Bedrock::GuardrailVersion');
        return versions
          .map(({ properties }) => keysIn(properties.GuardrailIdentifier)[0])
          .filter((of) => guardrail && of && of !== guardrail)
          .map((of) => fault(task, `ContainerDefinitions/${index}/Environment`, `version of ${of}`));
      }),
  },
];
