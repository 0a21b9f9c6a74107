"""The line of code that raised an error, with the values of its names, for errors whose text alone says too little."""

import ast
import linecache
import traceback

_LONGEST = 80  # characters of a value or of a line


def failing_line(error: BaseException) -> str:
    """Such as ``(`max(out_indices) < num_stages`, where out_indices=(7,), num_stages=4)``; nothing where the code is not at hand.

    Args:
        error: That was raised; its innermost frame counts.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return ''
    frame, number = frames[-1]
    line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
    line = line.removeprefix('assert ').removeprefix('elif ').removeprefix('if ').removesuffix(':').rstrip(', \\')
    if not line or len(line) > _LONGEST or line.startswith(('raise', 'return', 'def ')):
        return ''
    try:
        nodes = list(ast.walk(ast.parse(line)))
    except SyntaxError:  # a part of a longer statement
        return ''
    met = {node.id: frame.f_locals.get(node.id) for node in nodes if isinstance(node, ast.Name) and node.id in frame.f_locals}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = getattr(frame.f_locals.get(node.value.id), '__dict__', {})
            if node.attr in owner:
                met[f'{node.value.id}.{node.attr}'] = owner[node.attr]
    plain = {name: repr(value) for name, value in met.items() if isinstance(value, int | float | str | tuple | list | None)}
    values = ', '.join(f'{name}={value}' for name, value in plain.items() if len(value) <= _LONGEST)
    return f' (`{line}`{", where " if values else ""}{values})'
