import { readCommand } from '../../../runtime/export/command-line';

const AGENT = 'agent-01234567-89ab-cdef-0123-456789abcdef';

test.each([
  ['export', { name: 'export' }],
  ['restore --export latest', { name: 'restore', export: 'latest', agents: [] }],
  [
    `restore --agent ${AGENT} --export 2026-01-02T00:00:00.000Z`,
    { name: 'restore', export: '2026-01-02T00:00:00.000Z', agents: [AGENT] },
  ],
])('%s is a command', (words, command) => {
  expect(readCommand(words.split(' '))).toEqual(command);
});

test.each([
  '',
  'import',
  'export latest',
  'restore',
  'restore --export',
  'restore --export ../other',
  'restore --export latest --export latest',
  'restore --export latest --agent ada',
  `restore --agent ${AGENT}`,
])('fails for %j, with what is wanted', (words) => {
  expect(() => readCommand(words.split(' '))).toThrow('wanted: export | restore --export latest|<time>');
});
