"""Keeps Letta 0.16.8 from running or reading anything by the definition of a caller's tool. Usage:
close_tools.py SITE_PACKAGES

Whatever sandbox a tool's own code goes to, the server itself
- takes any name of `builtins` for the type of a parameter and calls it with what the model wrote: `def f(x: eval)`;
- builds the pydantic classes of a tool's source with their annotations as text, and pydantic evaluates text:
  `class A(BaseModel): x: __import__('os').system('…')` runs as soon as the tool is created;
- reads a `$ref` of a tool's schema from any file or URL, and that schema as YAML from Python's notation, so that a text
  with both kinds of quotes can bring what is not in the schema;
- lets a caller's tool take the name of one of Letta's own, which all agents share;
- writes each class of a tool's source or schema out wherever it is used, so that 30 classes of two fields of the class
  before take all memory, and needs minutes for a schema of 100 levels, thousands of parameters, or a TypeScript source
  that opens thousands of comments, while every other request waits.
"""

import sys
from pathlib import Path

ANNOTATIONS = 'functions/ast_parsers.py'
CLASSES = 'functions/functions.py'
SCHEMAS = 'services/helpers/tool_execution_helper.py'
TOOLS = 'services/tool_manager.py'
PARAMETERS = 'functions/schema_generator.py'
TYPESCRIPT = 'functions/typescript_parser.py'

# Types of a class's fields, made without text: what is none of these is of any type.
FIELD_TYPE = '''_FIELD_TYPES = {
    "Any": Any, "bool": bool, "float": float, "int": int, "str": str, "dict": dict, "list": list, "set": set, "tuple": tuple,
    "Dict": Dict, "List": List, "Literal": Literal, "Optional": Optional, "Set": typing.Set, "Tuple": typing.Tuple, "Union": typing.Union,
}
_FIELD_GENERICS = ("dict", "list", "set", "tuple", "Dict", "List", "Optional", "Set", "Tuple", "Union")


def _field_type(node: ast.AST, classes: Dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        if node.value is None:
            return None
        return _field_type(ast.parse(node.value, mode="eval").body, classes) if isinstance(node.value, str) else Any
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return typing.Union[_field_type(node.left, classes), _field_type(node.right, classes)]
    subscript = node.slice if isinstance(node, ast.Subscript) else None
    named = node.value if subscript is not None else node
    if isinstance(named, ast.Attribute) and isinstance(named.value, ast.Name) and named.value.id == "typing":
        name = named.attr
    elif isinstance(named, ast.Name):
        name = named.id
    else:
        return Any
    if subscript is None:
        return classes[name] if name in classes else _FIELD_TYPES.get(name, Any)
    parts = subscript.elts if isinstance(subscript, ast.Tuple) else [subscript]
    if name == "Literal":
        return Literal[tuple(ast.literal_eval(part) for part in parts)]
    if name not in _FIELD_GENERICS:
        return Any
    types = tuple(_field_type(part, classes) for part in parts)
    return _FIELD_TYPES[name][types if len(types) > 1 else types[0]]


'''

# Keys below these are names that the tool's author chose; a reference there is a schema, not a text.
REFUSE = '''_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$id")
_NAMES_OF_PARTS = ("properties", "patternProperties", "$defs", "definitions")
_MOST_VALUES = 2_000
_MOST_LEVELS = 24


def _refuse_what_harms(schema) -> None:
    parts, seen = [(schema, False, 1)], 0
    while parts:
        part, holds_names, level = parts.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ValueError(f"got more than {_MOST_VALUES} values in a tool's schema: let it have fewer or simpler parameters")
        if level > _MOST_LEVELS:
            raise ValueError(f"got more than {_MOST_LEVELS} levels in a tool's schema: nest its parameters less")
        if isinstance(part, dict):
            for name, value in part.items():
                is_name = holds_names and isinstance(value, dict)
                if name in _REFERENCES and not is_name and not str(value).startswith("#"):
                    raise ValueError(f"got {name} {str(value)[:200]!r} in a tool's schema, wanted one of its own parts: #/…")
                parts.append((value, not holds_names and name in _NAMES_OF_PARTS, level + 1))
        elif isinstance(part, list):
            parts.extend((value, False, level + 1) for value in part)


'''

COUNT_PARTS = '''_MOST_PARTS = 5_000
_parts_left: ContextVar[int] = ContextVar("parts_left", default=_MOST_PARTS)


def _count_parts(parts: int) -> None:
    left = _parts_left.get() - parts
    _parts_left.set(left)
    if left < 0:
        raise ValueError(
            f"got parameters with more than {_MOST_PARTS} parts, their classes written out where they are used: let them have fewer"
        )


'''

JSON_TEXT = '''def _json_text(value) -> str:
    """JSON in which YAML reads just what JSON says."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[^\\x20-\\x7e\\U00010000-\\U0010ffff]", lambda found: f"\\\\u{ord(found[0]):04x}", text)


'''

OWN_NAME = '''        if pydantic_tool.name in LETTA_TOOL_SET and pydantic_tool.tool_type in (ToolType.CUSTOM, ToolType.EXTERNAL_MCP):
            raise LettaInvalidArgumentError(
                f"{pydantic_tool.name} is a tool of Letta's own, which all agents share: give this tool another name"
            )

'''

OWN_TOOL = '''        if updated_tool_type is None and current_tool.tool_type not in (ToolType.CUSTOM, ToolType.EXTERNAL_MCP):
            raise LettaInvalidArgumentError(f"{current_tool.name} is a tool of Letta's own, which all agents share: it stays as it is")
'''

OWN_NEW_NAME = '''        if new_name in LETTA_TOOL_SET and new_name != current_tool.name:
            raise LettaInvalidArgumentError(f"{new_name} is a tool of Letta's own, which all agents share: give this tool another name")

'''

# File, what stands there, what is put in its place.
CHANGES = [
    (
        ANNOTATIONS,
        '_ALLOWED_TYPING_NAMES = {name: obj for name, obj in vars(typing).items() if not name.startswith("_")}\n'
        '_ALLOWED_BUILTIN_TYPES = {name: obj for name, obj in vars(builtins).items() if isinstance(obj, type)}\n',
        '_ALLOWED_TYPING_NAMES = {\n'
        '    name: vars(typing)[name] for name in ("Any", "Dict", "FrozenSet", "List", "Optional", "Set", "Tuple", "Union")\n'
        '}\n'
        '_ALLOWED_BUILTIN_TYPES = {\n'
        '    name: vars(builtins)[name] for name in ("bool", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")\n'
        '}\n',
    ),
    (
        ANNOTATIONS,
        '    python_types = {**vars(typing), **vars(builtins)}\n',
        '    python_types = dict(_ALLOWED_TYPE_NAMES)\n',
    ),
    (
        ANNOTATIONS,
        '        if allow_unsafe_eval:\n            try:\n                return eval(annotation, python_types)\n'
        '            except Exception as exc:\n'
        '                raise ValueError(f"Unsupported annotation: {annotation}") from exc\n',
        '        pass\n',
    ),
    (
        SCHEMAS,
        'def add_imports_and_pydantic_schemas_for_args(args_json_schema: dict) -> str:\n',
        REFUSE
        + JSON_TEXT
        + 'def add_imports_and_pydantic_schemas_for_args(args_json_schema: dict) -> str:\n'
        + '    _refuse_what_harms(args_json_schema)\n',
    ),
    (SCHEMAS, 'import os\nimport platform\n', 'import json\nimport os\nimport platform\nimport re\n'),
    (SCHEMAS, '        str(args_json_schema),\n', '        _json_text(args_json_schema),\n'),
    (CLASSES, 'import inspect\nfrom collections', 'import inspect\nimport typing\nfrom collections'),
    (CLASSES, 'def _extract_pydantic_classes(', FIELD_TYPE + 'def _extract_pydantic_classes('),
    (
        CLASSES,
        '                        field_name = stmt.target.id\n',
        '                        field_name = stmt.target.id\n'
        '                        # Such names are pydantic\'s own: its annotations, its configuration.\n'
        '                        if field_name.startswith("_") or field_name == "model_config":\n'
        '                            continue\n',
    ),
    (
        CLASSES,
        '                        current_imports = {**imports_map, **created_classes}\n'
        '                        field_annotation = _parse_type_annotation(stmt.annotation, current_imports)\n',
        '                        field_annotation = _field_type(stmt.annotation, created_classes)\n',
    ),
    (
        CLASSES,
        '    # Create classes in order, handling dependencies\n',
        '    if len(class_definitions) > 100:\n'
        '        raise ValueError(f"got {len(class_definitions)} pydantic classes in a tool, wanted at most 100")\n\n'
        '    # Create classes in order, handling dependencies\n',
    ),
    (PARAMETERS, 'import inspect\n', 'import inspect\nfrom contextvars import ContextVar\n'),
    (PARAMETERS, 'def type_to_json_schema_type(', COUNT_PARTS + 'def type_to_json_schema_type('),
    (
        PARAMETERS,
        '    # if get_origin(py_type) is typing.Optional:\n',
        '    _count_parts(1)\n    # if get_origin(py_type) is typing.Optional:\n',
    ),
    (
        PARAMETERS,
        '    # Validate that the function has a Google Python style docstring\n    try:\n',
        '    _parts_left.set(_MOST_PARTS)\n'
        '    parameters = len(inspect.signature(function).parameters)\n'
        '    if parameters > 200:\n'
        '        raise ValueError(f"got {parameters} parameters of a tool, wanted at most 200")\n\n'
        '    # Validate that the function has a Google Python style docstring\n    try:\n',
    ),
    (
        PARAMETERS,
        '    for field_name, field in args_schema.model_fields.items():\n',
        '    _parts_left.set(_MOST_PARTS)\n    for field_name, field in args_schema.model_fields.items():\n',
    ),
    (
        PARAMETERS,
        '        # Handle $ref\n        if "$ref" in schema_part:\n',
        '        _count_parts(1)\n        # Handle $ref\n        if "$ref" in schema_part:\n',
    ),
    (
        PARAMETERS,
        '            properties = {}\n            for name, prop in schema_part["properties"].items():\n',
        '            properties = {}\n            _count_parts(len(schema_part["properties"]))\n'
        '            for name, prop in schema_part["properties"].items():\n',
    ),
    (
        TYPESCRIPT,
        '    try:\n        # Find the exported function\n',
        '    try:\n'
        '        for word in ("export", "/**"):\n'
        '            if source_code.count(word) > 200:\n'
        '                raise LettaToolCreateError(f"got {source_code.count(word)} of {word} in a tool\'s source, wanted at most 200")\n\n'
        '        # Find the exported function\n',
    ),
    (
        TOOLS,
        '        # Use atomic PostgreSQL upsert if available\n        if settings.letta_pg_uri_no_default:\n            return await self._atomic_upsert_tool',
        OWN_NAME
        + '        # Use atomic PostgreSQL upsert if available\n        if settings.letta_pg_uri_no_default:\n            return await self._atomic_upsert_tool',
    ),
    (
        TOOLS,
        '        current_tool = await self.get_tool_by_id_async(tool_id=tool_id, actor=actor)\n',
        '        current_tool = await self.get_tool_by_id_async(tool_id=tool_id, actor=actor)\n' + OWN_TOOL,
    ),
    (
        TOOLS,
        '        # Track if we need to check name uniqueness',
        OWN_NEW_NAME + '        # Track if we need to check name uniqueness',
    ),
]


def change(site_packages: Path, changes: list[tuple[str, str, str]]) -> None:
    for name, before, after in changes:
        file = site_packages / 'letta' / name
        text = file.read_text()
        if text.count(before) != 1:
            sys.exit(f'{sys.argv[0]}: {file} holds {text.count(before)} of the lines to replace, wanted one:\n{before}')
        # A new file put in its place: an installer may have linked this one to its cache.
        changed = file.with_suffix('.changed')
        changed.write_text(text.replace(before, after))
        changed.replace(file)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: close_tools.py SITE_PACKAGES')
    change(Path(sys.argv[1]), CHANGES)
