export interface Listed {
  readonly id: string;
}

/** A list of the service that is read page by page, each page after an object of the one before. */
export interface PagedList<T extends Listed> {
  /** What the list is of, for errors. */
  readonly name: string;
  /** Objects of a page that is full. */
  readonly pageSize: number;
  /** @param after id; none: from the list's beginning */
  readonly page: (after?: string) => Promise<T[]>;
  /** The object at the list's end; none: the list is empty. */
  readonly last: () => Promise<T | undefined>;
}

/** Each one costs a page or two. Somebody who deletes faster than that is better waited for. */
const MOST_MENDINGS = 50;

/**
 * All objects of a list that others change meanwhile, each once.
 *
 * After a passage that was deleted Letta 0.16.8 answers with an empty page, as it does at the list's end (its source,
 * `build_agent_passage_query`). So an empty page counts as the end only if the list's last object was read; else
 * reading goes on after an earlier one that is still there. After an agent that was deleted it begins anew.
 *
 * @throws if the list is changed faster than it can be read
 */
export async function* wholeList<T extends Listed>(list: PagedList<T>): AsyncGenerator<T> {
  const read: string[] = [];
  const known = new Set<string>();
  let after = -1;
  let back = 1;
  for (let mendings = 0; mendings <= MOST_MENDINGS;) {
    const page = await list.page(read[after]);
    const unknown = page.filter(({ id }) => !known.has(id));
    for (const object of unknown) {
      known.add(object.id);
      read.push(object.id);
      yield object;
    }
    if (page.length > 0) {
      if (page.length < list.pageSize) return;
      const next = read.lastIndexOf(page[page.length - 1].id);
      if (next <= after) mendings++;
      [after, back] = [next, 1];
      continue;
    }
    if (after < 0) return;
    const last = await list.last();
    if (last === undefined || known.has(last.id)) return;
    mendings++;
    after = Math.max(-1, after - back);
    back *= 2;
  }
  throw new Error(`the list of ${list.name} is changed faster than it can be read: export again when that is over`);
}
