import { decide } from './access';
import { enterpriseTables } from './decisions/all-tables';
import { Names } from './decisions/names';
import { questions } from './decisions/table';
import type { PolicyStatement, Role } from './deployment';
import { enterpriseDeployment } from './deployments';

/** A statement that lost one of its conditions. What names too many resources, the sweep sees. */
interface Widened {
  readonly key: string;
  readonly statement: PolicyStatement;
}

/** The cluster stands in the ARN of its tasks as well: that condition is a second lock on one door. */
const TWICE = ['ecs:DescribeTasks without ecs:cluster'];

function widenings(statement: PolicyStatement): Widened[] {
  const { Condition = {}, ...unconditioned } = statement;
  if (statement.Effect !== 'Allow') return [];
  return Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.keys(keys).map((key) => {
      const others = Object.fromEntries(Object.entries(keys).filter(([other]) => other !== key));
      const isEmpty = Object.keys(others).length === 0 && Object.keys(Condition).length === 1;
      const left = { ...Condition, [operator]: others };
      return { key, statement: isEmpty ? unconditioned : { ...statement, Condition: left } };
    }),
  );
}

/** The tables' rows are worth something only if a policy that allows more than it should makes one of them fail. */
async function isCaught(role: Role, widened: Role, actions: string[]): Promise<boolean> {
  const denied = rows.filter(({ expected, caller }) => expected === 'denied' && caller.arn === role.arn);
  const asked = denied.flatMap((row) => questions({ ...row, caller: widened }));
  // What the statement names comes first: it is what most likely shows.
  const [named, others] = [true, false].map((is) => asked.filter(({ action }) => actions.includes(action) === is));
  for (const question of [...named, ...others]) {
    if ((await decide(names.deployment, question)) === 'allowed') return true;
  }
  return false;
}

const names = new Names(enterpriseDeployment());
const rows = Object.values(enterpriseTables(names)).flat();
const cases = names.deployment.roles().flatMap((role) =>
  role.identity.flatMap((document, index) =>
    document.Statement.flatMap((statement, position) =>
      widenings(statement).map(({ key, statement: wider }) => {
        const Statement = document.Statement.map((own, at) => (at === position ? wider : own));
        const identity = role.identity.map((own, at) => (at === index ? { ...own, Statement } : own));
        const what = `${[statement.Action].flat()[0]} without ${key}`;
        const title = `${role.name}: statement ${position}, ${what}`;
        return { what, title, role, widened: { ...role, identity }, actions: [statement.Action].flat() };
      }),
    ),
  ),
);

describe('a condition that went missing', () => {
  const once = cases.filter(({ what }) => !TWICE.includes(what));

  test.each(once)('is caught: $title', async ({ role, widened, actions }) => {
    expect(await isCaught(role, widened, actions)).toBe(true);
  });

  test('of many', () => expect(once.length).toBeGreaterThan(10));
});
