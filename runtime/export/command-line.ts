export type Command =
  | { readonly name: 'export' }
  /** @property export `latest` or a folder's name. @property agents none: all */
  | { readonly name: 'restore'; readonly export: string; readonly agents: readonly string[] };

const USAGE = 'wanted: export | restore --export latest|<time> [--agent <id>]…';

/** @throws for words that are no command, with those that are */
export function readCommand(words: readonly string[]): Command {
  const [name, ...options] = words;
  if (name === 'export' && options.length === 0) return { name };
  if (name !== 'restore') throw new Error(`got ${JSON.stringify(words.join(' '))}, ${USAGE}`);
  let which: string | undefined;
  const agents: string[] = [];
  for (let at = 0; at < options.length; at += 2) {
    const [option, value] = [options[at], options[at + 1]];
    if (option === '--export' && which === undefined && /^(latest|\d{4}-\d\d-\d\dT[\d:.]+Z)$/.test(value))
      which = value;
    else if (option === '--agent' && /^agent-[0-9a-f-]{36}$/.test(value)) agents.push(value);
    else throw new Error(`got ${JSON.stringify([option, value].join(' '))}, ${USAGE}`);
  }
  if (which === undefined) throw new Error(`--export is missing, ${USAGE}`);
  return { name, export: which, agents };
}
