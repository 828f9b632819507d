import { wholeList } from '../../../runtime/export/whole-list';

interface Item {
  readonly id: string;
}

/**
 * A list of Letta's.
 *
 * @param after what it answers after an object that is gone: of passages nothing, of agents its beginning
 */
function listOf(ids: string[], after: 'nothing' | 'beginning', change: (asked: number) => void) {
  let asked = 0;
  return {
    name: 'letters',
    pageSize: 3,
    page: async (cursor?: string): Promise<Item[]> => {
      change(++asked);
      const at = ids.indexOf(cursor ?? '');
      if (cursor !== undefined && at < 0 && after === 'nothing') return [];
      return ids.slice(at + 1, at + 4).map((id) => ({ id }));
    },
    last: async () => ids.slice(-1).map((id) => ({ id }))[0] as Item | undefined,
  };
}

async function read(list: Parameters<typeof wholeList<Item>>[0]): Promise<string> {
  let found = '';
  for await (const { id } of wholeList(list)) found += id;
  return found;
}

const without = (ids: string[], gone: string) => {
  for (const id of gone) if (ids.includes(id)) ids.splice(ids.indexOf(id), 1);
};

test.each(['', 'ab', 'abc', 'abcdef', 'abcdefg'])('all of %j is read', async (all) => {
  expect(await read(listOf([...all], 'nothing', () => undefined))).toBe(all);
});

test.each([
  ['the one that the next page begins after', 'c'],
  ['that one and the one before', 'bc'],
  ['all that were read', 'abc'],
  ['the first one', 'a'],
  ['one that was not read yet, too', 'ce'],
] as const)('nothing else is missing when somebody deletes %s', async (_what, gone) => {
  for (const after of ['nothing', 'beginning'] as const) {
    const ids = [...'abcdefgh'];
    const found = await read(listOf(ids, after, (asked) => asked === 2 && without(ids, gone)));
    expect(found).toBe(gone.includes('e') ? 'abcdfgh' : 'abcdefgh');
  }
});

test('the end is believed when all that is left was read', async () => {
  const ids = [...'abcdef'];
  expect(await read(listOf(ids, 'nothing', (asked) => asked === 3 && without(ids, 'ef')))).toBe('abcdef');
  const emptied = [...'abcdef'];
  expect(await read(listOf(emptied, 'nothing', (asked) => asked === 2 && without(emptied, 'abcdef')))).toBe('abc');
});

test('fails where others take the place of all that was read before the next page is asked for', async () => {
  const ids: string[] = [];
  const replace = (asked: number) => void ids.splice(0, 4, ...'abcd'.split('').map((letter) => `${letter}${asked}`));
  await expect(read(listOf(ids, 'nothing', replace))).rejects.toThrow('changed faster than it can be read');
});
