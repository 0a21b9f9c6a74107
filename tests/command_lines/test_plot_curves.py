"""The picture shows what the runs logged, whatever happened to them."""

import pytest
from matplotlib.figure import Figure
from PIL import Image
from support.run_logs import three_epochs, train_line, write_log
from support.runs import one_error

from mmkd_ext.commands import plot_curves
from mmkd_ext.commands.plot_curves import main, plot
from mmkd_ext.errors import PreflightError


@pytest.fixture
def epochs():
    return three_epochs()


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written."""
    figures = []
    save = Figure.savefig

    def savefig(self, *args, **kwargs):
        figures.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', savefig)
    return figures


def lines_of(figure, title):
    (axes, ) = (axes for axes in figure.axes if axes.get_title() == title)
    return axes, [[list(map(float, data)) for data in line.get_data()] for line in axes.get_lines()]


def test_training_and_validation_share_an_axis_in_epochs(tmp_path, epochs, drawn):
    out = plot({'a': write_log(tmp_path / 'a', epochs)}, tmp_path / 'new' / 'curves.png')
    with Image.open(out) as image:
        assert image.size[0] == 1650 and image.info['dpi'] == pytest.approx((150, 150), abs=0.1)
    axes, (validation, training) = lines_of(drawn[0], 'Accuracy')
    assert validation == [[1, 2, 3], [20, 40, 60]]
    assert training[0] == pytest.approx([epoch + i / 391 for epoch in (0, 1, 2) for i in (150, 300)])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ('epoch', 'accuracy (%)')
    first, second = axes.get_lines()
    assert first.get_linewidth() > second.get_linewidth()


@pytest.mark.parametrize(('smallest', 'scale'), [(0.5, 'linear'), (0.001, 'log'), (-0.001, 'linear')])
def test_losses_are_on_a_log_scale_beyond_two_decades(tmp_path, drawn, smallest, scale):
    records = [train_line(1, 1, loss_kd=smallest), train_line(2, 2, loss_kd=0.0)]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png')
    axes, (total, term) = lines_of(drawn[0], 'Loss')
    assert axes.get_yscale() == scale
    assert (total[1], term[1]) == ([2.0, 1.0], [smallest, 0.0])


@pytest.mark.parametrize(('rates', 'scale'), [
    ([0.1] * 10 + [0.001] * 10, 'log'), ([0.1 / 2**i for i in range(20)], 'linear')], ids=['steps', 'smooth'])
def test_only_rates_in_steps_and_losses_may_be_on_a_log_scale(tmp_path, drawn, rates, scale):
    falls = [(i, {'acc': 100 / i**2, 'weight': 1 / i**2, 'lr': rate}) for i, rate in enumerate(rates, 1)]
    records = [{**train_line(i, i), **values} for i, values in falls]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png', keys=['weight'])
    scales = {axes.get_title(): axes.get_yscale() for axes in drawn[0].axes}
    assert scales == {'Loss': 'linear', 'Accuracy': 'linear', 'Learning rate': scale, 'weight': 'linear'}


def test_a_constant_learning_rate_has_no_panel(tmp_path, drawn):
    steady = [{**train_line(step, step), 'lr': 0.1} for step in (1, 2)]
    plot({'a': write_log(tmp_path / 'a', steady)}, tmp_path / 'curves.png')
    plot({'b': write_log(tmp_path / 'b', [train_line(step, step) for step in (1, 2)])}, tmp_path / 'curves.png')
    assert [[axes.get_title() for axes in figure.axes] for figure in drawn] == [['Loss'], ['Loss', 'Learning rate']]


@pytest.mark.parametrize('logged', ['iterations', 'nothing'])
def test_a_run_counted_in_iterations_stays_in_iterations(tmp_path, drawn, logged):
    records = [train_line(5), {'accuracy/top1': 30.0, 'step': 6 if logged == 'iterations' else 0},
               train_line(10), {'accuracy/top1': 50.0, 'step': 12 if logged == 'iterations' else 0}]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png')
    axes, (validation, ) = lines_of(drawn[0], 'Accuracy')
    assert validation == ([[6, 12], [30, 50]] if logged == 'iterations' else [[5, 10], [30, 50]])
    assert axes.get_xlabel() == 'iteration'


def test_one_run_without_epochs_puts_all_on_iterations(tmp_path, epochs, drawn):
    runs = {'a': write_log(tmp_path / 'a', epochs), 'b': write_log(tmp_path / 'b', [train_line(5), train_line(10)])}
    plot(runs, tmp_path / 'curves.png')
    axes, (first, second, _, _) = lines_of(drawn[0], 'Loss')
    assert (first[0], second[0]) == ([150, 300, 541, 691, 932, 1082], [5, 10])
    assert axes.get_xlabel() == 'iteration'


def test_several_runs_keep_their_colour_and_terms_their_dash(tmp_path, epochs, drawn):
    plot({name: write_log(tmp_path / name, epochs) for name in 'ab'}, tmp_path / 'curves.png')
    (legend, ) = drawn[0].legends
    colours = [handle.get_color() for handle in legend.legend_handles]
    assert len(set(colours)) == 2
    for axes in drawn[0].axes:
        assert [line.get_color() for line in axes.get_lines()] == colours * (len(axes.get_lines()) // 2)
    total_a, total_b, kl_a, kl_b = lines_of(drawn[0], 'Loss')[0].get_lines()
    dashes = [line.get_linestyle() for line in (total_a, total_b, kl_a, kl_b)]
    assert dashes[0] == dashes[1] != dashes[2] == dashes[3]


def test_each_key_gets_a_panel_with_all_that_it_matches(tmp_path, drawn):
    weights = {f'dskd_weight_{layer}': layer / 10 for layer in range(8)}
    records = [train_line(i, i, **weights, dskd_kl_0=i) for i in (1, 2)]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png', keys=['weight_[0-7]', 'kl'])
    axes, lines = lines_of(drawn[0], 'weight_[0-7]')
    assert [line[1] for line in lines] == [[layer / 10] * 2 for layer in range(8)]
    drawn[0].draw_without_rendering()
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1  # eight entries: beside the panel
    assert lines_of(drawn[0], 'kl')[1] == [[[1, 2], [1, 2]]]


def test_fractions_of_detection_are_drawn_in_percent(tmp_path, drawn):
    records = [train_line(1, 1), {'coco/bbox_mAP': 0.25, 'coco/bbox_mAP_s': 0.1, 'step': 1}, train_line(2, 2)]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png')
    assert lines_of(drawn[0], 'Accuracy')[1] == [[[1], [25]]]


def test_smoothing_averages_training_but_not_validation_or_rates(tmp_path, drawn):
    records = [line for i in range(1, 5) for line in (
        {**train_line(i, i), 'loss': 2.0**i, 'lr': 1.0 / i}, {'accuracy/top1': 10.0 * i**2, 'step': i})]
    plot({'a': write_log(tmp_path / 'a', records)}, tmp_path / 'curves.png', smooth=3)
    assert lines_of(drawn[0], 'Loss')[1][0][1] == pytest.approx([3, 14 / 3, 28 / 3, 12])
    assert lines_of(drawn[0], 'Accuracy')[1][0][1] == [10, 40, 90, 160]
    assert lines_of(drawn[0], 'Learning rate')[1][0][1] == [1, 1 / 2, 1 / 3, 1 / 4]


def test_a_line_cut_by_a_kill_and_values_that_are_no_numbers_are_survived(tmp_path, drawn):
    nan = {**train_line(2, 2), 'loss': float('nan')}
    work_dir = write_log(tmp_path / 'a', [train_line(1, 1), nan, train_line(3, 3)], tail='{"lr": 0.1, "loss": 0.')
    plot({'a': work_dir}, tmp_path / 'curves.png')
    (xs, ys), = lines_of(drawn[0], 'Loss')[1]
    assert xs == [1, 2, 3]
    assert ys == pytest.approx([2, float('nan'), 2 / 3], nan_ok=True)


def test_the_command_takes_a_work_dir_a_start_and_a_file(tmp_path, epochs, capsys):
    log = write_log(tmp_path / 'a', epochs) / '20260101_000000'
    runs = [tmp_path / 'a', log, log / 'vis_data' / 'scalars.json']
    assert main([*map(str, runs), '--out', str(tmp_path / 'c.svg'), '--labels', 'one', 'two', 'three']) == 0
    assert 'c.svg' in capsys.readouterr().out
    assert (tmp_path / 'c.svg').read_text().startswith('<?xml')


def test_runs_are_named_by_their_folders_unless_those_are_equal(tmp_path, epochs, monkeypatch):
    seen = []
    monkeypatch.setattr(plot_curves, 'plot', lambda runs, *_: seen.append(list(runs)))
    a, b, c = (tmp_path / name for name in ('x/a', 'x/b', 'y/a'))
    assert main([str(a), str(b)]) == main([str(a), str(c)]) == 0
    assert seen == [['a', 'b'], [str(a), str(c)]]


@pytest.mark.parametrize(('content', 'needle'), [
    (None, 'is not there'),
    ('folder', 'has no */vis_data/scalars.json'),
    ('', 'got none in'),
    ('{"lr": 0.', 'got none in'),
    ('{"step": 1, "lr": 1}\nnonsense\n{"step": 2}\n', "got 'nonsense' in line 2"),
    ('[1]\n', "got '[1]' in line 1"),
    ('[' * 100_000 + '\n{"step": 2}\n', 'in line 1'),
    ('{"lr": 0.1}\n', 'with a step on every line'),
    ('{"step": 1, "iter": 1, "depth": 2}\n', 'A loss or an accuracy is needed, got depth'),
])
def test_a_run_that_cannot_be_drawn_is_one_sentence(tmp_path, capsys, content, needle):
    run = tmp_path / 'run.json'
    if content == 'folder':
        run.mkdir()
    elif content is not None:
        run.write_text(content)
    assert main([str(run), '--out', str(tmp_path / 'c.png')]) == 2
    text = one_error(capsys.readouterr().err)
    assert needle in text and str(run if 'depth' not in needle else '') in text
    assert not (tmp_path / 'c.png').exists()


@pytest.mark.parametrize(('options', 'needle'), [
    (['--keys', 'weigth'], "got 'weigth', matching none of lr, loss"),
    (['--keys', '('], "got '('"),
    (['--smooth', '0'], '--smooth >= 1'),
    (['--labels', 'one', 'two'], 'got one, two'),
    (['--out', 'curves.doc'], 'got curves.doc'),
    (['--out', 'a/20260101_000000/vis_data/scalars.json/c.png'], 'scalars.json/c.png'),
])
def test_an_option_that_cannot_work_is_one_sentence(tmp_path, monkeypatch, epochs, capsys, options, needle):
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / 'a', epochs)
    assert main(['a', *options]) == 2
    assert needle in one_error(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ['a']


def test_plot_itself_needs_a_run(tmp_path):
    with pytest.raises(PreflightError, match='got 0 runs'):
        plot({}, tmp_path / 'curves.png')


@pytest.mark.parametrize('value', ['NaN', 'Infinity', '-Infinity'])
def test_a_log_of_a_run_that_diverged_is_no_empty_picture(tmp_path, capsys, value):
    log = tmp_path / 'scalars.json'
    log.write_text(''.join(f'{{"lr": 0.1, "loss": {value}, "iter": {i}, "step": {i}, "epoch": 1}}\n' for i in (1, 2)))
    assert plot_curves.main([str(log), '--out', str(tmp_path / 'a.png')]) == 2
    said = capsys.readouterr().err
    assert 'finite number to draw is needed, got only NaN and infinite ones of loss' in said and str(log) in said
    assert not (tmp_path / 'a.png').exists()
    log.write_text(log.read_text() + '{"lr": 0.1, "loss": 1.5, "iter": 3, "step": 3, "epoch": 1}\n')
    assert plot_curves.main([str(log), '--out', str(tmp_path / 'a.png')]) == 0 and (tmp_path / 'a.png').exists()
