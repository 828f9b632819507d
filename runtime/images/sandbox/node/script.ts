import { type ImportDeclaration, type Node, parse } from 'acorn';

/**
 * A module as a script whose value is a promise of an array with its last expression's value: imports become calls, `await`
 * may stand anywhere. Lines stay where they are, so that stack traces are right.
 *
 * @throws SyntaxError if the code cannot be parsed
 */
export function toScript(code: string): string {
  const program = parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowAwaitOutsideFunction: true,
    allowHashBang: true,
  });
  const changes: { start: number; end: number; text: string }[] = [];
  for (const node of program.body) {
    switch (node.type) {
      case 'ImportDeclaration':
        changes.push({ start: node.start, end: node.end, text: asCall(node) + lines(code, node) });
        break;
      case 'ExportNamedDeclaration':
      case 'ExportDefaultDeclaration':
        if (node.declaration) changes.push({ start: node.start, end: node.declaration.start, text: '' });
        else changes.push({ start: node.start, end: node.end, text: '' });
        break;
      case 'ExportAllDeclaration':
        changes.push({ start: node.start, end: node.end, text: '' });
        break;
    }
  }
  const last = program.body.at(-1);
  if (last?.type === 'ExpressionStatement') {
    const { start, end } = last.expression;
    changes.push({ start: last.start, end: last.end, text: `return [(${code.slice(start, end)}\n)];` });
  }
  let script = code;
  for (const { start, end, text } of changes.reverse()) script = script.slice(0, start) + text + script.slice(end);
  return `(async () => {${script}\nreturn [];})()`;
}

function asCall({ source, specifiers, attributes }: ImportDeclaration): string {
  const options = attributes.map(({ key, value }) => `${'name' in key ? key.name : key.raw}: ${value.raw}`).join(', ');
  const call = `await import(${source.raw}${options ? `, { with: { ${options} } }` : ''})`;
  const whole = specifiers.find(({ type }) => type === 'ImportNamespaceSpecifier');
  const parts = specifiers.flatMap((specifier) => {
    if (specifier.type === 'ImportDefaultSpecifier') return [`default: ${specifier.local.name}`];
    if (specifier.type !== 'ImportSpecifier') return [];
    const { imported, local } = specifier;
    return [`${imported.type === 'Identifier' ? imported.name : imported.raw}: ${local.name}`];
  });
  const names = parts.length > 0 ? `{ ${parts.join(', ')} }` : undefined;
  if (whole && names) return `const ${whole.local.name} = ${call}, ${names} = ${whole.local.name};`;
  const target = whole?.local.name ?? names;
  return target ? `const ${target} = ${call};` : `${call};`;
}

function lines(code: string, { start, end }: Node): string {
  return '\n'.repeat(code.slice(start, end).split('\n').length - 1);
}
