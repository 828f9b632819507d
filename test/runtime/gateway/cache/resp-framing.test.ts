import fc from 'fast-check';
import {
  FrameScanner,
  MalformedFrame,
  replyScanner,
  requestScanner,
  respCommand,
} from '../../../../runtime/gateway/cache/resp-framing';

/** Feeds text in pieces that end at `cuts`; gives the frames with their ends in the whole text. */
function frames<Frame>(scanner: FrameScanner<Frame>, text: string, cuts: readonly number[] = []) {
  const bytes = Buffer.from(text, 'latin1');
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges
    .slice(1)
    .flatMap((edge, index) =>
      scanner.scan(bytes.subarray(edges[index], edge)).map(({ end, frame }) => ({ end: end + edges[index], frame })),
    );
}

const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('\r\n', '$3\r\n', '*1\r\n', ''));
const command = fc
  .array(word, { minLength: 1, maxLength: 5 })
  .map((words) => words.map((text) => Buffer.from(text).toString('latin1')))
  .map((words) => `*${words.length}\r\n${words.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`);

const line = fc.string({ unit: fc.constantFrom(...'abc +-:$*>%'), maxLength: 20 });
const bulk = word.map((text) => Buffer.from(text).toString('latin1'));
const { reply } = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'medium' },
    fc.tuple(fc.constantFrom('+', '-', ':', ',', '#', '_', '('), line).map(([type, text]) => `${type}${text}\r\n`),
    fc.tuple(fc.constantFrom('$', '=', '!'), bulk).map(([type, text]) => `${type}${text.length}\r\n${text}\r\n`),
    fc.constantFrom('$-1\r\n', '*-1\r\n'),
    fc
      .tuple(fc.constantFrom('*', '~'), fc.array(tie('reply'), { maxLength: 4 }))
      .map(([type, values]) => `${type}${values.length}\r\n${values.join('')}`),
    fc
      .array(fc.tuple(tie('reply'), tie('reply')), { maxLength: 3 })
      .map((pairs) => `%${pairs.length}\r\n${pairs.flat().join('')}`),
    fc.tuple(tie('reply'), tie('reply'), tie('reply')).map(([key, value, said]) => `|1\r\n${key}${value}${said}`),
  ),
}));
const push = fc.array(reply, { maxLength: 3 }).map((values) => `>${values.length}\r\n${values.join('')}`);

const cuts = fc.array(fc.nat(), { maxLength: 30 });

const endsOf = (parts: readonly string[]) => {
  let end = 0;
  return parts.map((part) => (end += part.length));
};

describe('commands', () => {
  test('end where they end, however their bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 6 }), cuts, (commands, at) => {
        const scanner = requestScanner();
        expect(frames(scanner, commands.join(''), at).map(({ end }) => end)).toEqual(endsOf(commands));
        expect(scanner.atBoundary).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('tell their first two words, in upper case', () => {
    const asked = [respCommand('client', 'reply', 'off'), 'Ping\r\n', '  subscribe  a b\n', respCommand('get')];
    expect(frames(requestScanner(), asked.join('')).map(({ frame }) => frame.words)).toEqual([
      ['CLIENT', 'REPLY'],
      ['PING'],
      ['SUBSCRIBE', 'A'],
      ['GET'],
    ]);
  });

  test('tell how many words they have, and whether quotes or a NUL on a line may hide some', () => {
    const asked = [
      respCommand('HELLO', '2', 'AUTH', 'u', '"p"'),
      'hello 3\r\n',
      'MON"ITOR"\r\n',
      "CLIENT 'REPLY' OFF\n",
      'MONITOR\0\n',
    ];
    expect(frames(requestScanner(), asked.join('')).map(({ frame }) => [frame.length, frame.quoted])).toEqual([
      [5, false],
      [2, false],
      [1, true],
      [3, true],
      [1, true],
    ]);
  });

  test('are one where only Redis sees a word: a space that is none to C', () => {
    expect(frames(requestScanner(), '\xa0\r\n').map(({ frame }) => frame.words)).toEqual([['\xa0']]);
  });

  test('are none where Redis answers nothing: an empty line, an empty array', () => {
    expect(frames(requestScanner(), '\r\n\n*0\r\n*-1\r\n').map(({ frame }) => frame.words)).toEqual([[], [], [], []]);
  });

  test('have begun until they have ended', () => {
    const scanner = requestScanner();
    const text = respCommand('SET', 'a', 'b');
    for (const byte of text.slice(0, -1)) {
      scanner.scan(Buffer.from(byte));
      expect(scanner.atBoundary).toBe(false);
    }
    scanner.scan(Buffer.from(text.slice(-1)));
    expect(scanner.atBoundary).toBe(true);
  });

  test.each([
    ['a part that is no string', '*1\r\n:1\r\n'],
    ['a negative length', '*1\r\n$-1\r\n'],
    ['a length that is no number', '*1\r\n$x\r\n'],
    ['a length beyond 512 MiB', '*1\r\n$536870913\r\n'],
    ['too many parts', '*1048577\r\n'],
    ['a string longer than it says', '*1\r\n$1\r\nab\r\n'],
    ['an inline command without end', 'a'.repeat(65_537)],
  ])('fail on %s', (_what, text) => {
    expect(() => frames(requestScanner(), text)).toThrow(MalformedFrame);
  });
});

describe('replies', () => {
  test('end where they end, however their bytes are cut, and what nobody asked for is told apart', () => {
    const said = fc.oneof(
      reply.map((text) => ({ text, push: false })),
      push.map((text) => ({ text, push: true })),
    );
    fc.assert(
      fc.property(fc.array(said, { maxLength: 6 }), cuts, (all, at) => {
        const scanner = replyScanner();
        const texts = all.map(({ text }) => text);
        const ends = endsOf(texts);
        expect(frames(scanner, texts.join(''), at)).toEqual(
          all.map(({ push: unasked }, index) => ({ end: ends[index], frame: { push: unasked } })),
        );
        expect(scanner.atBoundary).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['an unknown type', '?1\r\n'],
    ['an empty line', '\r\n'],
    ['a line without a carriage return', '+OK\n'],
    ['a length that is no number', '$x\r\n'],
    ['a length that is left out', '$\r\n'],
    ['a length beyond 512 MiB', '$536870913\r\n'],
    ['a string longer than it says', '$2\r\nabc\r\n'],
    ['a line without end', `+${'a'.repeat(65_536)}`],
    ['more values than can ever come', '*4000000000\r\n*4000000000\r\n'],
  ])('fail on %s', (_what, text) => {
    expect(() => frames(replyScanner(), text)).toThrow(MalformedFrame);
  });

  test('of any depth take no memory', () => {
    const scanner = replyScanner();
    for (let depth = 0; depth < 1_000_000; depth += 1_000) scanner.scan(Buffer.from('*1\r\n'.repeat(1_000)));
    expect(scanner.scan(Buffer.from(':1\r\n'))).toEqual([{ end: 4, frame: { push: false } }]);
  });
});

test('whatever the bytes, either side is understood or malformed, and never anything else', () => {
  const noise = fc.array(
    fc.oneof(
      command,
      reply,
      push,
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('*', '$', '\r\n', '5'),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.constantFrom(requestScanner, replyScanner), noise, cuts, (make, parts, at) => {
      try {
        frames(make() as FrameScanner<unknown>, parts.join(''), at);
      } catch (error) {
        if (!(error instanceof MalformedFrame)) throw error;
      }
    }),
    { numRuns: 10_000 },
  );
});
