import type { CallersTool } from './tool-calls';

/** A tool as people write them, and a call of it. */
export interface OrdinaryTool {
  /** What it shows. */
  readonly what: string;
  readonly tool: CallersTool;
  readonly args: object;
}

/** @param head of the function, after `def` @param parameters each with its docs line */
function python(
  what: string,
  head: string,
  parameters: string[],
  body: string,
  args: object,
  above = '',
): OrdinaryTool {
  const name = /(?:def )?(\w+)\(/.exec(head)![1];
  const documented = parameters.length
    ? `\n\n    Args:\n${parameters.map((line) => `        ${line}`).join('\n')}\n    `
    : '';
  const start = head.startsWith('async ') ? `async def ${head.slice(6)}` : `def ${head}`;
  const lines = body.replace(/^/gm, '    ');
  const source = `${above}${start}:\n    """Does something useful.${documented}"""\n${lines}\n`;
  // Letta reads the parameters of a plain function alone.
  const schema = start.startsWith('async') ? { parameters: integers(Object.keys(args)) } : {};
  return { what, tool: { name, source, ...schema }, args };
}

function integers(names: readonly string[]): object {
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'integer', description: name }]));
  return { type: 'object', properties, required: names };
}

function typescript(what: string, name: string, source: string, parameters: object, args: object): OrdinaryTool {
  return { what, tool: { name, source, language: 'typescript', parameters }, args };
}

const numbers = {
  type: 'object',
  properties: { a: { type: 'number', description: 'one' }, b: { type: 'number', description: 'other' } },
  required: ['a', 'b'],
};
function withSchema({ what, tool, args }: OrdinaryTool, argumentsSchema: object): OrdinaryTool {
  return { what, tool: { ...tool, argumentsSchema }, args };
}

/** Pydantic models as a client writes them: those that others name come first. */
const ORDER_ARGUMENTS = {
  title: 'OrderArguments',
  type: 'object',
  properties: { order: { type: 'object', $ref: '#/$defs/Order', description: 'the order' } },
  required: ['order'],
  $defs: {
    Order: {
      title: 'Order',
      type: 'object',
      properties: {
        number: { type: 'integer', description: 'number' },
        items: { type: 'array', description: 'what is ordered', items: { $ref: '#/$defs/Item' } },
      },
      required: ['number', 'items'],
    },
    Item: { title: 'Item', type: 'object', properties: { price: { type: 'number' } }, required: ['price'] },
  },
};

const MODELS = `from pydantic import BaseModel, Field

class Item(BaseModel):
    price: float = Field(..., description="price")

class Order(BaseModel):
    number: int = Field(..., description="number")
    items: list[Item] = Field(..., description="what is ordered")

`;

const none = { type: 'object', properties: {}, required: [] };

/** What behaves on ours as on a stock server. */
export const ordinaryPython: readonly OrdinaryTool[] = [
  python('adds numbers', 'add(a: int, b: int) -> int', ['a (int): one', 'b (int): other'], 'return a + b', {
    a: 2,
    b: 40,
  }),
  python('has a default', 'greet(name: str = "world") -> str', ['name (str): who'], 'return f"Hello, {name}!"', {}),
  python(
    'has several defaults',
    'several(a: int = 1, b: float = 2.5, c: bool = True, d: str = "x") -> str',
    ['a (int): a', 'b (float): b', 'c (bool): c', 'd (str): d'],
    'return repr((a, b, c, d))',
    { b: 3.5 },
  ),
  python('coerces a number', 'coerce_int(n: int) -> str', ['n (int): n'], 'return f"{type(n).__name__} {n!r}"', {
    n: '42',
  }),
  python('coerces a float', 'coerce_float(n: float) -> str', ['n (float): n'], 'return f"{type(n).__name__} {n!r}"', {
    n: 3,
  }),
  python('takes a list', 'take_list(items: list) -> str', ['items (list): some'], 'return repr(sorted(items))', {
    items: [3, 1, 2],
  }),
  python('takes a dict', 'take_dict(value: dict) -> str', ['value (dict): one'], 'return repr(value)', {
    value: { a: 1, b: [true, null] },
  }),
  python('gives a dict', 'give_dict() -> dict', [], 'return {"a": 1, "b": [1.0, None, True], "c": {"d": "ü"}}', {}),
  python('gives a list', 'give_list() -> list', [], 'return [1, "two", 3.0, None, {"four": 4}]', {}),
  python('gives a float', 'give_float() -> float', [], 'return 0.1 + 0.2', {}),
  python('gives a large integer', 'give_large() -> int', [], 'return 2 ** 80', {}),
  python('gives a boolean', 'give_bool() -> bool', [], 'return False', {}),
  python('gives nothing', 'give_nothing() -> None', [], 'x = 1', {}),
  python(
    'gives a pydantic model',
    'give_model() -> dict',
    [],
    'from pydantic import BaseModel\nclass Order(BaseModel):\n    number: int\n    items: list[str]\nreturn Order(number="7", items=["a"])',
    {},
  ),
  withSchema(
    python(
      'takes a pydantic model',
      'order_total(order) -> str',
      ['order: the order'],
      'return f"{type(order).__name__} {order!r} {sum(item.price for item in order.items)}"',
      { order: { number: '7', items: [{ price: 2.5 }, { price: 4 }] } },
    ),
    ORDER_ARGUMENTS,
  ),
  withSchema(
    python(
      'is given wrong values for a pydantic model',
      'order_wrong(order) -> str',
      ['order: the order'],
      'return repr(order)',
      { order: { number: 'seven', items: 3 } },
    ),
    ORDER_ARGUMENTS,
  ),
  python(
    'gives nested pydantic models',
    'give_models() -> dict',
    [],
    'return {"orders": [Order(number=1, items=[Item(price=0.5)])], "best": Item(price=9)}',
    {},
    MODELS,
  ),
  withSchema(
    python(
      'has pydantic arguments by a schema of its own',
      'ship(number: int, to: str = "Uppsala") -> str',
      ['number (int): of the order', 'to (str): where to'],
      'return repr((number, to))',
      { number: '7' },
    ),
    {
      title: 'Shipment',
      type: 'object',
      properties: { number: { type: 'integer', description: 'n' }, to: { type: 'string', default: 'Lund' } },
      required: ['number'],
    },
  ),
  python(
    'takes a number as text',
    'take_text(text: str) -> str',
    ['text (str): some'],
    'return f"{type(text).__name__} {text!r}"',
    {
      text: '42',
    },
  ),
  python('raises', 'raise_error() -> str', [], 'raise ValueError("no such order: 4711")', {}),
  python(
    'raises an exception of its own',
    'raise_own() -> str',
    [],
    'class Refused(Exception):\n    pass\nraise Refused("by the tool")',
    {},
  ),
  python('divides by zero', 'divide() -> float', [], 'return 1 / 0', {}),
  python(
    'prints',
    'print_lines() -> str',
    [],
    'import sys\nprint("one")\nprint("two")\nprint("three", file=sys.stderr)\nreturn "printed"',
    {},
  ),
  python('gives long text', 'give_long() -> str', [], 'return "0123456789" * 400', {}),
  python('gives too long text, which Letta cuts', 'give_longer() -> str', [], 'return "0123456789" * 20000', {}),
  python('speaks unicode', 'speak(text: str) -> str', ['text (str): what'], 'return text[::-1] + " — ✓ 日本"', {
    text: 'Grüße, 世界 🌍',
  }),
  python('has quotes and line ends', 'quote(text: str) -> str', ['text (str): what'], 'return text + "\\n\'\\"\\\\"', {
    text: 'a "b" \'c\' \\ d\nnew line\t%s {x}',
  }),
  python(
    'is async',
    'async wait_a_little(n: int) -> int',
    ['n (int): n'],
    'import asyncio\nawait asyncio.sleep(0.01)\nreturn n * 2',
    { n: 21 },
  ),
  python(
    'has helpers and imports of its own',
    'use_helper(n: int) -> str',
    ['n (int): n'],
    'return helper(n) + json.dumps({"at": math.floor(n / 2)})',
    { n: 5 },
    'import json\nimport math\n\ndef helper(n):\n    return "#" * n\n\n',
  ),
  python('gives a tuple', 'give_tuple() -> tuple', [], 'return (1, "two")', {}),
  python(
    'uses dates',
    'use_dates(day: str) -> str',
    ['day (str): ISO date'],
    'from datetime import date, timedelta\nreturn str(date.fromisoformat(day) + timedelta(days=30))',
    { day: '2026-11-23' },
  ),
];

export const ordinaryTypeScript: readonly OrdinaryTool[] = [
  typescript(
    'adds numbers',
    'add_ts',
    'export function add_ts(a: number, b: number): number {\n  return a + b;\n}\n',
    numbers,
    { a: 2, b: 40 },
  ),
  typescript(
    'is async',
    'wait_ts',
    'export async function wait_ts(): Promise<{ ok: boolean; text: string }> {\n  await new Promise((resolve) => setTimeout(resolve, 10));\n  return { ok: true, text: "Grüße 世界" };\n}\n',
    none,
    {},
  ),
  typescript(
    'raises',
    'raise_ts',
    'export function raise_ts(): string {\n  throw new RangeError("no such order: 4711");\n}\n',
    none,
    {},
  ),
  typescript(
    'has types and an enum',
    'types_ts',
    'enum Color { Red = "red", Blue = "blue" }\ninterface Shape<T> { color: Color; size: T }\nexport function types_ts(): Shape<number> {\n  return { color: Color.Blue, size: 3 as number };\n}\n',
    none,
    {},
  ),
];
