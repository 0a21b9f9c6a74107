"""tools/benchmark_growth.py: its table, by hand, and where it is written."""

from support.runs import one_error

from mmkd_ext.benchmark.growth import Growth
from mmkd_ext.commands import benchmark_growth


def test_the_table_has_milliseconds_of_each_place_and_of_one_more():
    growth = Growth('batch', [10, 20], ours=[[0.010], [0.030]], networks=[[0.010], [0.020]], peaks=[1.0, 2.0])
    row = benchmark_growth.growth_table([growth]).splitlines()[-1]
    assert [cell.strip() for cell in row.split('|')[1:-1]] == [
        'batch 10, 20', '10.0, 30.0', '10.0, 20.0', '1, 2', '2', '1', '0.0%', '0.0%', '0.0%']


def test_the_readme_has_the_command_and_the_table(tmp_path, monkeypatch):
    readme = tmp_path / 'README.md'
    readme.write_text('<!-- growth -->\n<!-- /growth -->\n')
    seconds = [[0.1], [0.2]]
    monkeypatch.setattr(benchmark_growth, 'measure_growth', lambda axis, *_: Growth(axis, [1, 2], seconds, seconds, [1.0, 2.0]))
    assert benchmark_growth.main(['--axes', 'batch', '--readme', str(readme)]) == 0
    text = readme.read_text()
    assert '`python tools/benchmark_growth.py --axes batch` (' in text and '| batch 1, 2 | 100.0, 200.0 | 100.0, 200.0 |' in text


def test_a_readme_without_the_markers_is_one_sentence_before_the_work(tmp_path, capsys):
    (tmp_path / 'README.md').write_text('nothing')
    assert benchmark_growth.main(['--readme', str(tmp_path / 'README.md')]) == 2
    assert '<!-- growth -->' in one_error(capsys.readouterr().err)
