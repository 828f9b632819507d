import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run } from '../lab/parts/command';
import { lettaVenv } from '../lab/parts/letta-venv';

// Letta's package as upstream has it, and as the images have it: what a tool's definition makes the server do.

/** Put in place of MARK, it leaves a trace if anything evaluates it. */
const CODE = `__import__('os').system('touch MARK')`;
const TEXT = JSON.stringify(CODE);
const FUNCTION = `def f(x: A):
    """d

    Args:
        x (A): a
    """
    return x
`;
const oneClass = (fields: string) =>
  `from typing import *\nfrom pydantic import BaseModel, Field\nclass A(BaseModel):\n${fields.replace(/^/gm, '    ')}\n${FUNCTION}`;

/** Sources that run code in the server of upstream as soon as a tool of theirs is created. */
const evaluated: readonly (readonly [what: string, source: string])[] = [
  ['a call for an annotation', oneClass(`y: ${CODE}`)],
  ['a call within a type', oneClass(`y: Optional[${CODE}]`)],
  ['text for an annotation', oneClass(`y: ${TEXT}`)],
];

/** Ways to the same that something else stops in upstream's package: they stay shut. */
const tried: readonly (readonly [what: string, source: string])[] = [
  ['text within a type', oneClass(`y: dict[str, ${TEXT}]`)],
  ['the name of text', oneClass(`z: str = ${TEXT}\ny: z`)],
  ['the name of a type for a dictionary of texts', oneClass(`Set: dict = {'k': ${TEXT}}\ny: Set['k']`)],
  ["pydantic's own annotations", oneClass(`__annotations__: dict = {'y': ${TEXT}}`)],
  ['a literal', oneClass(`y: Literal[${TEXT}] = Field(..., description='d')`)],
  ['the type of a parameter', FUNCTION.replace('x: A', `x: List[${CODE}]`)],
];

const ordinary = `from pydantic import BaseModel, Field
class B(BaseModel):
    n: int = Field(..., description='number')
${oneClass(`a: str = Field(..., description='a')
o: Optional[int] = Field(None, description='o')
b: list[B] = Field(..., description='b')
c: B = Field(..., description='c')`)}`;

/** Each class but the first has two fields of the class before it. */
function chainOfClasses(length: number): string {
  const field = (name: string, type: string) => `    ${name}: ${type} = Field(..., description='d')\n`;
  const classes = Array.from({ length }, (_, at) =>
    at === 0
      ? `class C0(BaseModel):\n${field('a', 'int')}`
      : `class C${at}(BaseModel):\n${field('a', `C${at - 1}`)}${field('b', `C${at - 1}`)}`,
  );
  return `from pydantic import BaseModel, Field\n${classes.join('')}${taking(`C${length - 1}`)}`;
}

function taking(type: string): string {
  return `def f(x: ${type}):\n    """d\n\n    Args:\n        x (${type}): a\n    """\n    return x\n`;
}

const times = (count: number, text: (at: number) => string) => Array.from({ length: count }, (_, at) => text(at));

/** Small definitions that take the memory or the time of upstream's server, and what ours says to them. */
const exhausting: readonly (readonly [what: string, source: string, told: RegExp])[] = [
  ['30 classes, each with two of the one before', chainOfClasses(30), /more than 5000 parts/],
  [
    '101 classes',
    `from pydantic import BaseModel\n${times(101, (at) => `class C${at}(BaseModel):\n    a: int\n`).join('')}${taking('C0')}`,
    /got 101 pydantic classes/,
  ],
  [
    '201 parameters',
    `def f(${times(201, (at) => `x${at}: int`).join(', ')}):\n    """d"""\n    return 1\n`,
    /got 201 parameters/,
  ],
];
const exhaustingTypeScript = ['export function f(', '/** '].map((piece) => piece.repeat(201));

/** Builtins that are called, for types of parameters, with what a model wrote. */
const called = ['eval', 'exec', 'exit', 'quit', 'input', 'open', '__import__', 'breakpoint', 'bytes', 'bytearray', 'memoryview', 'typing.NewType', 'NewType']; // prettier-ignore

const PROGRAM = `
import json, os, sys
question = json.load(open(sys.argv[1]))
from letta.functions.functions import derive_openai_json_schema
from letta.functions.typescript_parser import derive_typescript_json_schema
from letta.functions.ast_parsers import coerce_dict_args_by_annotations, resolve_type
from letta.services.helpers.tool_execution_helper import add_imports_and_pydantic_schemas_for_args

def outcome(call, *args, **kwargs):
    mark = question['mark']
    if os.path.exists(mark):
        os.remove(mark)
    try:
        answer = call(*args, **kwargs)
    except BaseException as error:
        answer = type(error).__name__ + ': ' + str(error)[:500]
    return {'ran': os.path.exists(mark), 'answer': answer}

def resolved(name):
    return str(resolve_type(name, allow_unsafe_eval=True))

answers = {
    'sources': [outcome(derive_openai_json_schema, source_code=source) for source in question['sources']],
    'exhausting': [outcome(derive_openai_json_schema, source_code=source) for source in question['exhausting']],
    'typescript': [outcome(derive_typescript_json_schema, source_code=source) for source in question['typescript']],
    'types': [outcome(resolved, name) for name in question['types']],
    'evaluated': outcome(coerce_dict_args_by_annotations, {'x': question['code']}, {'x': 'eval'}),
    'coerced': outcome(coerce_dict_args_by_annotations, {'a': '3', 'b': '[1, 2]', 'c': 'true', 'd': '{"k": 1}'},
                       {'a': 'int', 'b': 'list[int]', 'c': 'bool', 'd': 'Dict[str, int]'}),
    'schemas': [outcome(add_imports_and_pydantic_schemas_for_args, schema) for schema in question['schemas']],
}
json.dump(answers, open(sys.argv[2], 'w'))
`;

interface Outcome {
  readonly ran: boolean;
  readonly answer: unknown;
}

interface Answers {
  readonly sources: readonly Outcome[];
  readonly exhausting: readonly Outcome[];
  readonly typescript: readonly Outcome[];
  readonly types: readonly Outcome[];
  readonly evaluated: Outcome;
  readonly coerced: Outcome;
  readonly schemas: readonly Outcome[];
}

let folder: string;
let upstream: Answers;
let image: Answers;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tool-definitions-'));
  upstream = await ask(false);
  image = await ask(true);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The answers of the package, as the images have it or as upstream has. */
async function ask(asInTheImages: boolean): Promise<Answers> {
  const { venv } = await lettaVenv({ trim: asInTheImages });
  const mark = path.join(folder, 'mark');
  const secret = path.join(folder, 'secret.json');
  await writeFile(secret, JSON.stringify({ type: 'object', properties: { leaked: { type: 'string' } } }));
  const schema = (x: object) => ({ type: 'object', title: 'T', properties: { x } });
  const levels = (left: number): object =>
    left === 0 ? { type: 'string' } : { type: 'array', items: levels(left - 1) };
  const question = path.join(folder, 'question.json');
  const code = CODE.replace('MARK', mark);
  await writeFile(
    question,
    JSON.stringify({
      mark,
      code: JSON.stringify(code),
      sources: [...evaluated, ...tried, ['ordinary', ordinary]].map(([, source]) => source!.replaceAll('MARK', mark)),
      // Upstream would take all memory for more.
      exhausting: asInTheImages ? exhausting.map(([, source]) => source) : [chainOfClasses(16)],
      typescript: asInTheImages ? exhaustingTypeScript : [],
      types: [...called, code],
      schemas: [
        schema({ $ref: secret }),
        schema({ description: `"', $ref: ${secret}, zz: '` }),
        schema({ $ref: '#/$defs/no', description: 'd' }),
        schema(levels(asInTheImages ? 40 : 4)),
        { ...schema({}), properties: Object.fromEntries(times(2_001, (at) => `p${at}`).map((name) => [name, {}])) },
        { ...schema({}), properties: { $ref: { type: 'string' }, $id: { type: 'integer' } } },
        { ...schema({ $ref: '#/$defs' }), $defs: { $ref: secret } },
        schema({ type: 'string', description: `it's a "quote" – 😀\u2028 \u0085` }),
      ],
    }),
  );
  const program = path.join(folder, 'ask.py');
  const answer = path.join(folder, 'answer.json');
  await writeFile(program, PROGRAM);
  await run(path.join(venv, 'bin/python'), [program, question, answer], { env: { ...process.env, HOME: folder } });
  return JSON.parse(await readFile(answer, 'utf8')) as Answers;
}

test.each(evaluated.map(([what], index) => [what, index] as const))(
  'a class of a tool, %s, runs code in the server of upstream, and not in ours',
  (_, index) => {
    expect(upstream.sources[index].ran).toBe(true);
    expect(image.sources[index].ran).toBe(false);
  },
);

test.each(tried.map(([what], index) => [what, evaluated.length + index] as const))(
  'a class of a tool, %s, runs no code',
  (_, index) => {
    expect(image.sources[index].ran).toBe(false);
  },
);

test('the classes of ordinary tools give the schema that upstream gives', () => {
  const [ours, theirs] = [image, upstream].map(({ sources }) => sources.at(-1)!.answer);
  expect(theirs).toMatchObject({ name: 'f' });
  expect(ours).toEqual(theirs);
});

test('a type of a parameter that is a function of Python is called by upstream, and not by ours', () => {
  expect(upstream.evaluated.ran).toBe(true);
  expect(image.evaluated.ran).toBe(false);
});

test.each([...called, 'a call'].map((name, index) => [name, index] as const))('%s is no type', (_, index) => {
  expect(image.types[index]).toEqual({ ran: false, answer: expect.stringMatching(/Unsupported annotation/) });
});

test('plain types are what they are', () => {
  expect(image.coerced.answer).toEqual({ a: 3, b: [1, 2], c: true, d: { k: 1 } });
  expect(image.coerced).toEqual(upstream.coerced);
});

test('a reference of a schema to a file is read by upstream, and refused by ours', () => {
  expect(upstream.schemas[0].answer).toContain('leaked');
  expect(image.schemas[0].answer).toMatch(/wanted one of its own parts/);
});

test('a description cannot bring a reference along, and may hold any text', () => {
  expect(upstream.schemas[1].answer).toContain('leaked');
  expect(image.schemas[1].answer).not.toContain('leaked:');
  expect(image.schemas.at(-1)!.answer).toContain('class T(BaseModel)');
});

test('classes that double are written out by upstream', () => {
  expect(JSON.stringify(upstream.exhausting[0].answer).length).toBeGreaterThan(5_000_000);
});

test.each(exhausting.map(([what, , told], index) => [what, told, index] as const))(
  '%s are refused',
  (_, told, index) => {
    expect(image.exhausting[index].answer).toMatch(told);
  },
);

test('a TypeScript source that would be searched for hours is refused', () => {
  expect(image.typescript.map(({ answer }) => answer)).toEqual([
    expect.stringMatching(/got 201 of export in a tool's source, wanted at most 200/),
    expect.stringMatching(/got 201 of \/\*\* in a tool's source, wanted at most 200/),
  ]);
});

test('a schema with too many levels or values is refused', () => {
  expect(image.schemas[3].answer).toMatch(/more than 24 levels/);
  expect(image.schemas[4].answer).toMatch(/more than 2000 values/);
});

test('a parameter may be named like a reference, and hides none', () => {
  expect(image.schemas[5].answer).toContain('class T(BaseModel)');
  expect(image.schemas[6].answer).toMatch(/wanted one of its own parts/);
});
