"""The directives `file` and `run`: a file that a page shows is written, a shell script that it shows is run, and its output follows.

Both work in `_build/run/<page>`, which is empty at first, in the order of the page. A script that ends with another exit code than
`:exit:` (0 without it) is a warning, so it fails the build. Options of `run`: `:show:` a regular expression for the lines of the
output to show; `:hide:` no output at all; `:exit:`; `:language:` of the output.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

_SECONDS = 1800  # after which it and what it started are ended, with the exit code 124
_NOISE = re.compile(r'Could not import OneDL')  # mmpretrain's, of a package that is not needed


def environment(repo: Path) -> dict[str, str]:
    """Of a command: this checkout's `mmkd`, one thread, no progress bars, no downloads."""
    commands = repo / 'docs/_build/bin'
    commands.mkdir(parents=True, exist_ok=True)
    (commands / 'mmkd').write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mmkd_ext.commands.mmkd "$@"\n')
    (commands / 'mmkd').chmod(0o755)
    places = {'PATH': [str(commands), str(Path(sys.executable).parent)], 'PYTHONPATH': [str(repo)]}
    joined = {name: os.pathsep.join([*paths, os.environ.get(name, '')]).rstrip(os.pathsep) for name, paths in places.items()}
    fixed = {'OMP_NUM_THREADS': '1', 'TQDM_DISABLE': '1', 'HF_HUB_OFFLINE': '1', 'COLUMNS': '120', 'PYTHONWARNINGS': 'ignore'}
    return {**os.environ, **joined, **fixed, 'CHECKOUT': str(repo)}


def shown(output: str, places: dict[str, str], pattern: str | None) -> str:
    """What a page shows of an output: lines of the pattern (None: all), without folders of this machine."""
    for place, name in sorted(places.items(), key=lambda item: -len(item[0])):
        output = output.replace(place, name)
    lines = [line.rstrip() for line in output.splitlines() if not _NOISE.fullmatch(line)]
    return '\n'.join(line for line in lines if pattern is None or re.search(pattern, line)).strip('\n')


class _InFolder(SphinxDirective):
    has_content = True

    @property
    def folder(self) -> Path:
        """Of this page."""
        folder = Path(self.env.srcdir) / '_build/run' / self.env.docname
        if not self.env.current_document.get('run_folder'):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.env.current_document['run_folder'] = str(folder)
        return folder


class File(_InFolder):
    """Writes a file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Its text, with its name above."""
        text, name = '\n'.join(self.content), self.arguments[0]
        (self.folder / name).write_text(text + '\n', encoding='utf-8')
        block = nodes.literal_block(text, text, language={'.py': 'python'}.get(Path(name).suffix, 'text'))
        caption = nodes.caption(name, '', nodes.literal(name, name))
        return [nodes.container('', caption, block, literal_block=True, classes=['literal-block-wrapper'])]


class Run(_InFolder):
    """Runs a script."""

    option_spec = {
        'show': directives.unchanged, 'hide': directives.flag, 'exit': directives.nonnegative_int, 'language': directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The script and its output, as two blocks."""
        script, repo = '\n'.join(self.content), Path(self.env.srcdir).parent
        folder = self.folder
        process = subprocess.run(
            ['timeout', str(_SECONDS), 'bash', '-euo', 'pipefail', '-c', script], cwd=folder, env=environment(repo), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wanted = self.options.get('exit', 0)
        if process.returncode != wanted:
            end = '\n'.join(process.stdout.splitlines()[-20:])
            said = f'Exit code {wanted} is needed, got {process.returncode} of {script}\n{end}'
            logger.warning('%s', said, location=self.get_location())
        blocks = [nodes.literal_block(script, script, language='bash')]
        places = {f'{folder}/': '', str(folder): '.', f'{repo}/': '', sys.prefix: '.venv'}
        output = '' if 'hide' in self.options else shown(process.stdout, places, self.options.get('show'))
        if output:
            blocks.append(nodes.literal_block(output, output, language=self.options.get('language', 'text'), classes=['output']))
        return blocks


def setup(app):
    """Connects it."""
    app.add_directive('file', File)
    app.add_directive('run', Run)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
