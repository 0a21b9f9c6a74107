"""The console command `mmkd COMMAND ...`, the same as `python tools/<command>.py ...` in a checkout."""

import ast
import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from mmkd_ext import __version__

_MODULES = {  # as the command is called -> its file here, where the two differ
    'export': 'export_student',
    'class-means': 'compute_class_means',
    'plot': 'plot_curves',
    'draw': 'draw_detections',
    'benchmark-losses': 'benchmark_losses',
    'benchmark-growth': 'benchmark_growth',
    'compare-peers': 'compare_peers',
}
_FIRST = ('distill', 'doctor', 'train', 'test', 'report', 'export')  # in the help, before the others
_CONFIG = "CONFIG is a file, or one of the package's from any folder, such as mmkd_ext::teskd/r18_digits.py."


def commands() -> dict[str, str]:
    """Each command's name -> its module in this folder."""
    names = {module: name for name, module in _MODULES.items()}
    files = sorted(path.stem for path in Path(__file__).parent.glob('*.py') if path.stem not in ('__init__', 'mmkd'))
    found = {names.get(stem, stem): stem for stem in files}
    order = sorted(found, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    return {name: found[name] for name in order}


def help_text() -> str:
    """The text of `mmkd --help`: a line for each command, the first of its module's docstring."""
    known = commands()
    wide = max(map(len, known))
    lines = [f'  {name:<{wide}}  {_sentence(stem)}' for name, stem in known.items()]
    usage = 'usage: mmkd COMMAND ...\n       mmkd COMMAND --help\n       mmkd --version'
    return '\n'.join([usage, '', 'Knowledge distillation for the OpenMMLab runner.', '', 'commands:', *lines, '', _CONFIG])


def _sentence(stem: str) -> str:
    """Read, not imported: the commands import torch, which takes seconds."""
    text = ast.get_docstring(ast.parse((Path(__file__).with_name(f'{stem}.py')).read_text(encoding='utf-8'))) or ''
    return text.splitlines()[0].partition(': python tools/')[0].rstrip('.') if text else ''


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code, 2 for one that does not exist."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help', 'help'):
        print(help_text())
        return 0
    if words[0] in ('-V', '--version'):
        print(f'mmkd_ext {__version__}')
        return 0
    name, known = words[0], commands()
    if name not in known:
        close = difflib.get_close_matches(name, [*known, *known.values()], n=1, cutoff=0.5)
        meant = next((each for each, stem in known.items() if close and close[0] in (each, stem)), None)
        hint = f'Did you mean mmkd {meant}?' if meant else 'Look at mmkd --help.'
        print(f'error: A command of mmkd is needed ({", ".join(known)}), got {name!r}. {hint}', file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(f'mmkd_ext.commands.{known[name]}')
    except ModuleNotFoundError as error:
        if (error.name or '').partition('.')[0] == 'mmkd_ext':
            raise
        print(f"error: mmkd {name} needs {error.name}, which is not installed. In the checkout: pip install '.[cls]', for detection "
              "'.[cls,det]'.", file=sys.stderr)  # fmt: skip
        return 2
    sys.argv[:] = [f'mmkd {name}', *words[1:]]  # what argparse calls the program in its usage
    return int(module.main(words[1:]) or 0)


if __name__ == '__main__':
    sys.exit(main())
