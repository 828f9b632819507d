import { reportFigure } from '../gate/figures';
import { decide } from './access';
import { Names, Path } from './decisions/names';
import { questions, type Row } from './decisions/table';
import { allowedFunctions, functionSandbox, interpreterSandbox } from './decisions/tool-sandbox';
import type { Deployment } from './deployment';
import { ALLOWED, defaultDeployment, toolDeployment } from './deployments';

const closed = new Names(toolDeployment('closed'));
const opened = new Names(toolDeployment('opened'));
const interpreter = new Names(toolDeployment('interpreter'));
let decisions = 0;

const tables: [string, Names, Row[]][] = [
  ['a tool sandbox', closed, functionSandbox(closed)],
  ['a tool sandbox whose tools may call a function', opened, allowedFunctions(opened, ALLOWED.FUNCTION)],
  ['a code interpreter', interpreter, interpreterSandbox(interpreter)],
];

describe.each(tables)('with %s', (_name, { deployment }, rows) => {
  test.each(rows.map((row) => [row.expected, row.what, row] as const))('%s: %s', async (expected, _what, row) => {
    const asked = questions(row);
    expect(asked).not.toHaveLength(0);
    for (const question of asked) {
      const { action, resource } = question;
      const verdict = await decide(deployment, question);
      expect({ action, resource, verdict }).toEqual({ action, resource, verdict: expected });
      decisions += 1;
    }
  });
});

test("a tool sandbox changes no role's policies but those of the task", () => {
  const policies = (deployment: Deployment): Record<string, unknown> =>
    Object.fromEntries(
      deployment
        .roles()
        .filter(({ name }) => !name.startsWith('Service/ToolSandbox') && name !== Path.TASK)
        .map(({ name, identity }) => [name, identity]),
    );
  expect(policies(closed.deployment)).toEqual(policies(defaultDeployment()));
});

afterAll(() => reportFigure('decisions', decisions));
