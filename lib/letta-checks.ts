import {
  CfnElement,
  IPolicyValidationContext,
  IPolicyValidationPlugin,
  PolicyValidationPluginReport,
  Stack,
} from 'aws-cdk-lib';
import * as fs from 'fs';
import * as path from 'path';
import { judgeTemplates } from './checks/judge';
import { RULES } from './checks/rules';
import { StackTemplate, TemplateDocument } from './checks/template';

/**
 * Judges the synthesized templates of an app that runs Letta, whatever made them, and fails the synth on a finding:
 * ways out of the network, plaintext, secrets where they can be read, roles that reach too far, and what only the
 * deployment would have refused. Of an app's other workloads it says nothing.
 *
 * One line adds it: `Validations.of(app).addPlugins(new LettaChecks())`. A finding that is meant is acknowledged where
 * it arises, with a reason: `Validations.of(construct).acknowledge({ id: 'LettaChecks::multi-az-off', reason: '…' })`.
 * `docs/checks.md` lists the rules; their names do not change within a major version.
 */
export class LettaChecks implements IPolicyValidationPlugin {
  /** First part of the ids that acknowledgements name. */
  public readonly name = 'LettaChecks';

  /** Names of all rules. */
  public readonly ruleIds?: string[] = RULES.map(({ id }) => id);

  /** Called by the CDK when the app is synthesized. */
  public validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const findings = environments(context).flatMap((files) =>
      judgeTemplates(files).map(({ id, stackName, logicalId, location, message, fix }) => ({
        ruleName: id,
        description: message,
        fix,
        severity: 'error',
        violatingResources: [
          {
            resourceLogicalId: logicalId,
            templatePath: files.find((file) => file.stackName === stackName)!.templatePath,
            locations: [location],
          },
        ],
      })),
    );
    return { success: findings.length === 0, violations: findings };
  }
}

interface TemplateFile extends StackTemplate {
  readonly templatePath: string;
}

/** Stacks that can refer to each other: of one assembly, account and region, where a name of a stack stands once. */
function environments(context: IPolicyValidationContext): TemplateFile[][] {
  const groups = new Map<string, TemplateFile[]>();
  const nested = nestedStacks(context);
  for (const { stackConstructPath, templatePath, account, region, stackName } of stacksOf(context)) {
    const key = [path.dirname(templatePath), account, region].join();
    const file = { stackName, account, region, templatePath, template: read(templatePath) };
    const group = groups.get(key) ?? [];
    groups.set(key, [...group, file, ...filesOf(nested, stackConstructPath, file)]);
  }
  return [...groups.values()];
}

function stacksOf(context: IPolicyValidationContext) {
  const names = new Map(
    stacksIn(context).map((stack): [string, string] => [stack.node.path, stack.nested ? '' : stack.stackName]),
  );
  return context.stackTemplates.map(({ stackConstructPath, templatePath, accountId, region }) => ({
    stackConstructPath,
    templatePath,
    account: accountId,
    region,
    stackName: names.get(stackConstructPath) ?? path.basename(templatePath, '.template.json'),
  }));
}

function stacksIn({ appConstruct }: IPolicyValidationContext): Stack[] {
  return appConstruct.node.findAll().filter((construct): construct is Stack => Stack.isStack(construct));
}

function nestedStacks(context: IPolicyValidationContext): Stack[] {
  return stacksIn(context).filter(({ nested }) => nested);
}

/** Templates of the stacks nested in one, at any depth. */
function filesOf(nested: Stack[], parentPath: string, parent: TemplateFile): TemplateFile[] {
  return nested
    .filter((stack) => stack.nestedStackParent?.node.path === parentPath)
    .flatMap((stack) => {
      const templatePath = path.join(path.dirname(parent.templatePath), stack.templateFile);
      const logicalId = String(stack.nestedStackParent!.resolve((stack.nestedStackResource as CfnElement).logicalId));
      const file: TemplateFile = {
        ...parent,
        stackName: `${parent.stackName}-${logicalId}`,
        templatePath,
        template: read(templatePath),
        parent: { stackName: parent.stackName, logicalId },
      };
      return [file, ...filesOf(nested, stack.node.path, file)];
    });
}

function read(templatePath: string): TemplateDocument {
  return JSON.parse(fs.readFileSync(templatePath, 'utf8')) as TemplateDocument;
}
