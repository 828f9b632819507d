import { reportFigure } from '../gate/figures';
import { decide } from './access';
import { defaultTables, enterpriseTables } from './decisions/all-tables';
import { Names } from './decisions/names';
import { questions, type Row } from './decisions/table';
import { defaultDeployment, enterpriseDeployment } from './deployments';

const standard = new Names(defaultDeployment());
const enterprise = new Names(enterpriseDeployment());
let decisions = 0;

describe.each<[string, Names, Record<string, Row[]>]>([
  ['the default stack', standard, defaultTables(standard)],
  ['the enterprise stack', enterprise, enterpriseTables(enterprise)],
])('in %s', (_, { deployment }, tables) => {
  describe.each(Object.entries(tables))('%s', (_name, rows) => {
    test.each(rows.map((row) => [row.expected, row.what, row] as const))('%s: %s', async (expected, _what, row) => {
      const asked = questions(row);
      expect(asked).not.toHaveLength(0);
      for (const question of asked) {
        const { action, resource } = question;
        expect({ action, resource, verdict: await decide(deployment, question) }).toEqual({
          action,
          resource,
          verdict: expected,
        });
        decisions += 1;
      }
    });
  });
});

afterAll(() => reportFigure('decisions', decisions));
