import { PLACEHOLDER_CREDENTIAL } from '../../runtime/contract';
import { inContainers } from './container-rules';
import { Container, containersOf, LettaParts } from './letta-parts';
import { Fault, fault, Rule } from './rule';
import { isUnknown, list, Properties, text } from './template';

const AREA = 'Secrets and the Letta container';

/** Names of variables whose values are secrets. */
const SECRET_NAME =
  /(PASSWORD|PASSWD|PASSPHRASE|_PASS|_PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|PRIVATE_KEY|CREDENTIAL|ENCRYPTION_KEY)S?$/i;
/** A token in the sense of language models, or its kind, is a short word: cl100k_base. */
const WORD = /^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/i;
/** Values that are secrets whatever their name is: keys of AWS, of model providers, PEM, passwords in addresses. */
const SECRET_VALUE =
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^/\s:@]*:[^/\s@]+@|\bpassword=[^\s&'"<]+|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bhf_[A-Za-z0-9]{20,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/;
/** CloudFormation puts the value itself there. */
const DYNAMIC_SECRET = /\{\{resolve:(secretsmanager|ssm-secure):/;

/** Why a variable's value is a secret, or undefined. */
function secretIn(name: string, value: unknown): string | undefined {
  const written = text(value ?? '');
  if (DYNAMIC_SECRET.test(written)) return `${name} holds the value of a secret`;
  if (/<NoEcho:/.test(written)) return `${name} holds a parameter that nobody is to see (NoEcho)`;
  if (SECRET_VALUE.test(written)) return `${name} looks like a credential`;
  const word = /TOKENS?$/i.test(name) && written.length < 16 && WORD.test(written);
  const harmless = word || written === PLACEHOLDER_CREDENTIAL || /^(|true|false|\d{1,6}|\/[\w./-]+)$/i.test(written);
  return SECRET_NAME.test(name) && !harmless && !isUnknown(written) && !/^arn:/.test(written)
    ? `${name} holds a literal value`
    : undefined;
}

function variableFaults(parts: LettaParts): Fault[] {
  const containers = parts.containers.flatMap((container) =>
    list(container.definition.Environment).flatMap(({ Name, Value }: Properties, index) => {
      const found = secretIn(Name, Value);
      const location = `ContainerDefinitions/${container.index}/Environment/${index}`;
      return found ? [fault(container.task, location, `container ${container.name}: ${found}`)] : [];
    }),
  );
  const commands = inContainers(parts.containers, 'Command', ({ definition: { Command, EntryPoint } }) => {
    const written = text([Command ?? [], EntryPoint ?? []]);
    return (DYNAMIC_SECRET.test(written) || /<NoEcho:/.test(written)) && 'the command holds the value of a secret';
  });
  const functions = parts.ofType('AWS::Lambda::Function').flatMap((resource) =>
    Object.entries((resource.properties.Environment?.Variables ?? {}) as Properties).flatMap(([name, value]) => {
      const found = secretIn(name, value);
      return found ? [fault(resource, `Environment/Variables/${name}`, found)] : [];
    }),
  );
  return [...containers, ...commands, ...functions];
}

/** Letta's process without the variables that a task gives every container. */
const DROPPED = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';

function dropsCredentials({ definition }: Container): boolean {
  const command = list(definition.Command).map(text);
  const at = command.indexOf(DROPPED);
  return at > 0 && command[at - 1] === '-u' && command[0] === 'env';
}

/** Variables by which Letta is told where its neighbours are. */
const ADDRESS_NAME = /(_URI|_URL|_HOST|_ENDPOINT|_PROXY)$|^AWS_ENDPOINT_URL/i;

/** Host of an address, with or without a scheme. */
function hostOf(value: string): string | undefined {
  return /^(?:[a-z0-9+.-]+:\/\/)?(?:[^/@]*@)?(\[[^\]]+\]|[^:/?]+)/i.exec(value)?.[1];
}

function strayAddresses(container: Container): string | undefined {
  const stray = Object.entries(container.environment).find(([name, value]) => {
    const host = hostOf(text(value ?? ''));
    const others = [...text(value ?? '').matchAll(/[?&](?:host|hostaddr)=([^&]+)/gi)].map(([, each]) => each);
    if (ADDRESS_NAME.test(name) && others.some((each) => !/^(127\.[0-9.]+|localhost)$/.test(each))) return true;
    return ADDRESS_NAME.test(name) && host && !/^(127\.[0-9.]+|localhost|\[::1\])$/.test(host);
  });
  return stray && `${stray[0]} leads to ${text(stray[1])}`;
}

/** Letta runs callers' tools beside its own code: its container holds nothing worth stealing and knows only the gateway. */
export const LETTA_CONTAINER_RULES: Rule[] = [
  {
    id: 'secret-in-environment',
    area: AREA,
    reason: 'a secret stands in an environment variable, where the template, the console and the process show it',
    fix: "name the secret's ARN and let the gateway read it by its role; LettaService does",
    judge: variableFaults,
  },
  {
    id: 'letta-has-secret',
    area: AREA,
    reason: "the Letta container gets a secret, which tools of callers can read in the process's environment",
    fix: 'give secrets to the gateway only',
    judge: (parts) =>
      inContainers(parts.lettaContainers(), 'Secrets', ({ definition }) => {
        const names = list(definition.Secrets).map(({ Name }: Properties) => Name);
        return names.length > 0 && names.join(', ');
      }),
  },
  {
    id: 'letta-sees-task-role',
    area: AREA,
    reason: `Letta keeps ${DROPPED}, so its process, and callers' tools in it, can use the task role`,
    fix: `start it by env -u ${DROPPED}; LettaService does`,
    judge: (parts) =>
      inContainers(
        parts.lettaContainers(),
        'Command',
        (container) => !dropsCredentials(container) && 'keeps the variable',
      ),
  },
  {
    id: 'letta-bypasses-gateway',
    area: AREA,
    reason: 'Letta is told to call something else than the gateway on loopback, which alone signs, limits and refuses',
    fix: 'leave the addresses of neighbours to LettaService: all of them are on 127.0.0.1',
    judge: (parts) => inContainers(parts.lettaContainers(), 'Environment', strayAddresses),
  },
  {
    id: 'letta-not-on-loopback',
    area: AREA,
    reason: 'Letta listens beyond loopback, where it asks for no password',
    fix: 'start it with --host 127.0.0.1 and map no port of its container',
    judge: (parts) =>
      inContainers(parts.lettaContainers(), 'Command', ({ definition }) => {
        if (list(definition.PortMappings).length > 0) return 'a port of it is mapped';
        const command = list(definition.Command).map(text);
        const host = command[command.indexOf('--host') + 1];
        if (!command.includes('server')) return undefined;
        return (
          !(command.includes('--host') && /^(127\.[0-9.]+|localhost)$/.test(host)) && `host ${host ?? 'by default'}`
        );
      }),
  },
  {
    id: 'letta-without-gateway',
    area: AREA,
    reason: 'Letta runs without the gateway: no password, no route rules, keys of AWS in its own environment',
    fix: 'deploy it by LettaService',
    judge: (parts) =>
      parts.tasks
        .filter((task) => parts.lettaContainers().some(({ task: of }) => of === task))
        .filter(
          (task) =>
            !containersOf(task).some((container) =>
              parts.gateways().some(({ task: of, name }) => of === task && name === container.name),
            ),
        )
        .map((task) => fault(task, 'ContainerDefinitions', 'no gateway')),
  },
];
