import type { CallersTool } from './tool-calls';

/**
 * A Python tool of a caller's.
 *
 * @param signature as `name(parameter: str)`
 * @param body lines of the function
 */
export function pythonTool(signature: string, body: string, more: Partial<CallersTool> = {}): CallersTool {
  const [, name, list] = /^(\w+)\((.*)\)$/.exec(signature)!;
  const parameters = list.split(', ').filter((parameter) => parameter !== '');
  const described = parameters.map((parameter) => `        ${parameter.split(':')[0]}: What is given.`);
  const lines = [
    `def ${name}(${list}) -> str:`,
    '    """Does something.',
    ...(described.length > 0 ? ['', '    Args:', ...described] : []),
    '    """',
    body.trim().replace(/^/gm, '    '),
  ];
  return { name, source: `${lines.join('\n')}\n`, ...more };
}
