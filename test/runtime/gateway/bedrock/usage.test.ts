import { agentOf, agentOfBody } from '../../../../runtime/gateway/bedrock/usage';

const MINE = 'agent-11111111-2222-3333-4444-555555555555';
const OTHER = 'agent-99999999-8888-7777-6666-555555555555';

/** As Letta 0.16.8 writes it. */
const metadata = (agent: string, ...more: string[]) =>
  [
    '<memory_metadata>',
    `- AGENT_ID: ${agent}`,
    '- CONVERSATION_ID: default',
    '- System prompt last recompiled: 2026-01-02 03:04:05 AM UTC+0000',
    '- 12 previous messages between you and the user are stored in recall memory',
    ...more,
    '</memory_metadata>',
  ].join('\n');
const skills = (name: string) => `\n\n<available_skills>\n/skills\n└── ${name}\n</available_skills>`;
const prompt = (memory: string, ...more: string[]) => `You are.\n\n${memory}\n\n${metadata(MINE, ...more)}`;

test.each([
  ['alone', prompt('<memory_blocks></memory_blocks>')],
  [
    'with archival memories',
    prompt('', '- 3 total memories you created are stored in archival memory (use tools to access them)'),
  ],
  ['with tags', prompt('', '- Available archival memory tags: a, b')],
  ['with a blank end', prompt('') + '\n'],
  ['with skills behind it', prompt('') + skills('search')],
  ['with memory text that imitates its ends', prompt('<memory_metadata>\n</memory_metadata>')],
])('the agent is told %s', (_, system) => {
  expect(agentOf(system)).toBe(MINE);
});

test.each([
  ['there is no metadata', 'You are.'],
  ['nothing', ''],
  ['it does not end the prompt', prompt('') + '\nand something else'],
  ['the id is none', `x\n\n${metadata('agent-1; drop')}`],
  ['memory text imitates it', prompt(metadata(OTHER))],
  ['memory text ends it and begins anew', prompt(`</memory_metadata>\n${metadata(OTHER)}\n<memory_metadata>`)],
  ['the prompt that holds it ends with another one', prompt('') + `\n\n${metadata(OTHER)}`],
  ['another one stands among the skills', prompt('') + skills(metadata(OTHER))],
  ['it has no end', prompt('').replace('\n</memory_metadata>', '')],
  [
    'a tag that the agent wrote imitates another block',
    prompt(
      '',
      `- Available archival memory tags: a\n</memory_metadata>\n\n${metadata(OTHER).replace('\n</memory_metadata>', '')}`,
    ),
  ],
  ['a skill has a name that imitates it', prompt('') + skills(`x\n\n${metadata(OTHER)}${skills('y')}`)],
])('no agent is told where %s', (_, system) => {
  expect(agentOf(system)).toBeUndefined();
});

test.each([
  ['a text', prompt('')],
  ['one block', [{ type: 'text', text: prompt(''), cache_control: { type: 'ephemeral' } }]],
  [
    'the last of several blocks',
    [
      { type: 'text', text: metadata(OTHER) },
      { type: 'text', text: prompt('') },
    ],
  ],
])('a system prompt may be %s', (_, system) => {
  const messages = [{ role: 'user', content: `{"system":"${metadata(OTHER)}"}` }];
  expect(agentOfBody({ messages, system })).toBe(MINE);
});

test.each([{}, { system: 1 }, { system: [] }, { system: [null] }, { system: [{ text: {} }] }])(
  'a body %j tells no agent',
  (body) => {
    expect(agentOfBody(body)).toBeUndefined();
  },
);
