import { parseOptions } from './options';

describe('npm run bench', () => {
  it('measures everything unless told otherwise', () => {
    expect(parseOptions([])).toEqual({ syntheses: 5, seconds: 180 });
  });

  it.each(['turns', 'tools', 'gateway', 'soak', 'archival', 'synth'])('measures %s alone', (part) => {
    expect(parseOptions(['--only', part, '--rounds', '2']).only).toBe(part);
  });

  it.each([[['--only', 'everything']], [['--rounds', '0']], [['--rounds']], [['--seconds', '5']], [['--fast', 'yes']]])(
    'fails on %j and says what it understands',
    (words) => {
      expect(() => parseOptions(words)).toThrow(/bench does not understand '--.*wanted npm run bench -- \[--only/);
    },
  );
});
