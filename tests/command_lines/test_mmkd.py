"""`mmkd COMMAND` is the tool of that name; what is no command is one sentence."""

import subprocess
import sys

import pytest
from support.runs import REPO, environment, one_error

from mmkd_ext.commands import mmkd


def test_the_help_names_every_command_with_a_sentence_and_imports_no_torch():
    asked = [['mmkd_ext.commands.mmkd', *words] for words in ([], ['--help'])]
    texts = [subprocess.run(
        [sys.executable, '-m', *words], env=environment(), capture_output=True, text=True, check=True).stdout for words in asked]
    assert texts[0] == texts[1]
    lines = dict(line.split(None, 1) for line in texts[0].split('commands:\n')[1].split('\n\n')[0].splitlines())
    assert {'train', 'test', 'export', 'class-means', 'benchmark', 'study', 'plot', 'draw'} <= set(lines)
    assert set(lines) == set(mmkd.commands()) and all(len(line.split()) > 2 for line in lines.values())
    assert lines['train'] == 'Train the model of a config' and 'mmkd_ext::teskd/r18_digits.py' in texts[0]


@pytest.mark.parametrize('name', sorted(mmkd.commands()))
def test_a_command_answers_for_its_help_under_its_own_name(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmkd'])
    with pytest.raises(SystemExit) as ended:
        mmkd.main([name, '--help'])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith(f'usage: mmkd {name} [-h]')


def test_every_command_has_a_thin_cover_among_the_tools():
    for name, module in mmkd.commands().items():
        text = (REPO / f'tools/{module}.py').read_text()
        assert f'from mmkd_ext.commands.{module} import main' in text and len(text.splitlines()) < 12, name


@pytest.mark.parametrize(('word', 'meant'), [
    ('trian', 'train'), ('export_student', 'export'), ('class_means', 'class-means'), ('Test', 'test')])
def test_a_command_that_does_not_exist_is_one_sentence_with_the_one_that_was_meant(word, meant, capsys):
    assert mmkd.main([word]) == 2
    text = one_error(capsys.readouterr().err)
    assert repr(word) in text and text.endswith(f'Did you mean mmkd {meant}?')


def test_a_word_like_no_command_points_to_the_help(capsys):
    assert mmkd.main(['xyzzy', '--help']) == 2
    assert 'xyzzy' in (text := one_error(capsys.readouterr().err)) and text.endswith('Look at mmkd --help.')


def test_the_exit_code_is_the_command_s(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmkd'])
    assert mmkd.main(['train', 'mmkd_ext::teskd/r18_digit.py']) == 2
    assert 'did you mean configs/teskd/r18_digits.py?' in one_error(capsys.readouterr().err)


def test_without_mmengine_the_sentence_says_what_to_install():
    code = "import sys; sys.modules['mmengine'] = None; from mmkd_ext.commands.mmkd import main; sys.exit(main(['train', 'x.py']))"
    ended = subprocess.run([sys.executable, '-c', code], env=environment(), capture_output=True, text=True)
    assert ended.returncode == 2 and "mmkd train needs mmengine" in (text := one_error(ended.stderr)) and "pip install '.[cls]'" in text
