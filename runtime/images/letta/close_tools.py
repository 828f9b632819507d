"""Keeps Letta 0.16.8 from running or reading anything by the definition of a caller's tool. Usage:
close_tools.py SITE_PACKAGES

The server takes any name of `builtins` for the type of a parameter and calls it with what the model wrote: a tool
`def f(x: eval)` runs code next to Letta's secrets, whatever sandbox its own code goes to. And a `$ref` of a tool's schema is
read from any file or URL.
"""

import sys
from pathlib import Path

ANNOTATIONS = 'functions/ast_parsers.py'
SCHEMAS = 'services/helpers/tool_execution_helper.py'

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
        'def _refuse_references_outside(schema) -> None:\n'
        '    parts = [schema]\n'
        '    while parts:\n'
        '        part = parts.pop()\n'
        '        if isinstance(part, dict):\n'
        '            for name, value in part.items():\n'
        '                if name in ("$ref", "$dynamicRef", "$recursiveRef", "$id") and not str(value).startswith("#"):\n'
        '                    raise ValueError(f"got {name} {str(value)[:200]!r} in a tool\'s schema, wanted one of its own parts: #/…")\n'
        '                parts.append(value)\n'
        '        elif isinstance(part, list):\n'
        '            parts.extend(part)\n'
        '\n\n'
        'def add_imports_and_pydantic_schemas_for_args(args_json_schema: dict) -> str:\n'
        '    _refuse_references_outside(args_json_schema)\n',
    ),
]


def main(site_packages: Path) -> None:
    for name, before, after in CHANGES:
        file = site_packages / 'letta' / name
        text = file.read_text()
        if text.count(before) != 1:
            sys.exit(f'close_tools.py: {file} holds {text.count(before)} of the lines to replace, wanted one:\n{before}')
        # A new file put in its place: an installer may have linked this one to its cache.
        changed = file.with_suffix('.changed')
        changed.write_text(text.replace(before, after))
        changed.replace(file)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: close_tools.py SITE_PACKAGES')
    main(Path(sys.argv[1]))
