"""The rooms of the package: what may be imported where, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / 'mmkd_ext'
FILES = {'.'.join(path.relative_to(REPO).with_suffix('').parts).removesuffix('.__init__'): path for path in PACKAGE.rglob('*.py')}
# From below to above; a room imports those before it, and itself.
FLOORS = (
    ('registry', 'errors', 'engine', 'explain'),
    ('files', 'config', 'optim', 'losses'),
    ('checkpoints', 'datasets'),
    ('models.outputs', 'models.backbones', 'models.necks', 'models.heads', 'models.images', 'models.plain_config', 'models.uninitialised'),
    ('models.zoo',),
    ('models.teachers', 'models.ensembles', 'models.config_from_data'),
    ('models.build', 'models.distillers'),
    ('models', 'class_means', 'evaluation'),
    ('export', 'running'),
    ('hooks', 'benchmark'),
    ('preflight', 'journey'),
    ('doctor', 'report'),
    ('commands',),
)
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}


def imports(name: str, path: Path) -> list[tuple[str, bool]]:
    """Our own modules that a module imports, and whether inside a function or for types only."""
    found = []
    package = name.split('.') if path.name == '__init__.py' else name.split('.')[:-1]

    def visit(node: ast.AST, hidden: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inside = hidden or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(child, ast.If) and 'TYPE_CHECKING' in ast.dump(child.test))
            if isinstance(child, ast.Import):
                found.extend((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = '.'.join([*package[:len(package) + 1 - child.level], *([child.module] if child.module else [])]) if child.level \
                    else child.module
                found.extend((each if (each := f'{base}.{alias.name}') in FILES else base, inside) for alias in child.names)
            visit(child, inside)

    visit(ast.parse(path.read_text(encoding='utf-8')), False)
    return [(each, inside) for each, inside in found if each in FILES and each != 'mmkd_ext']


def room(name: str) -> str:
    parts = name.split('.')[1:]
    return '.'.join(parts[:2]) if parts[:1] == ['models'] else parts[0]


@pytest.mark.parametrize('name', [name for name in FILES if name != 'mmkd_ext'])
def test_a_module_imports_what_lies_below_at_its_top(name):
    for imported, hidden in imports(name, FILES[name]):
        assert not hidden, f'{name} imports {imported} inside a function or for types only'
        assert room(imported) == room(name) or FLOOR[room(imported)] <= FLOOR[room(name)], f'{name} imports {imported}, which is above it'


def test_no_circle_of_modules_and_none_of_rooms():
    # a package's __init__ stands for the names that it hands on: who imports it from inside the room would be a circle
    modules = {name: {each for each, _ in imports(name, path)} for name, path in FILES.items() if name != 'mmkd_ext'}
    rooms: dict[str, set[str]] = {}
    for name, imported in modules.items():
        rooms.setdefault(room(name), set()).update(room(each) for each in imported if room(each) != room(name))
    for graph in (modules, rooms):
        assert circle(graph) == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node):], node]
        if node in done:
            return []
        for each in sorted(graph.get(node, ())):
            found = visit(each, [*path, node])
            if found:
                return found
        done.add(node)
        return []

    return next(filter(None, (visit(node, []) for node in sorted(graph))), [])


def test_a_circle_is_found():
    assert circle({'a': {'b'}, 'b': {'c'}, 'c': {'b'}}) == ['b', 'c', 'b'] and circle({'a': {'b', 'c'}, 'b': {'c'}}) == []


def test_every_room_has_a_floor_and_a_sentence():
    rooms = {room(name) for name in FILES if name != 'mmkd_ext'}
    assert rooms == set(FLOOR)
    for path in PACKAGE.rglob('__init__.py'):
        said = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8')))
        assert said and said.endswith('.'), path
    assert {path.name for path in PACKAGE.glob('*.py')} == {'__init__.py', 'registry.py', 'errors.py'}


TESTS = REPO / 'tests'


@pytest.mark.parametrize('name', [name for name, path in FILES.items() if path.name != '__init__.py'])
def test_a_module_has_a_test_file_of_its_name(name):
    *rooms, module = name.split('.')[1:]
    folder = TESTS.joinpath(*['command_lines' if room == 'commands' else room for room in rooms])
    assert (folder / f'test_{module}.py').is_file()


def test_no_test_file_is_imported_by_another():
    """What several need lies in support/ or witnesses/: pytest loads a test file under a name of its own, so an import makes it twice."""
    files = {'.'.join(path.relative_to(TESTS).with_suffix('').parts): path for path in TESTS.rglob('test_*.py')}
    for path in TESTS.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                assert not [alias.name for alias in node.names if alias.name in files], path
            elif isinstance(node, ast.ImportFrom):
                assert not [alias.name for alias in node.names if {node.module, f'{node.module}.{alias.name}'} & set(files)], path


def test_the_part_that_makes_a_detector_two_stage_is_known_to_one_module():
    known = [path for path in sorted(PACKAGE.rglob('*.py')) if 'roi_head' in path.read_text(encoding='utf-8')]
    assert known == [PACKAGE / 'models/outputs/kinds/two_stage/box_heads.py']
