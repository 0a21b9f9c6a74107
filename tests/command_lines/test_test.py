"""tools/test.py: the table, the files that it writes, and its errors."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmpretrain.visualization import UniversalVisualizer
from support.runs import one_error, write_config

from mmkd_ext.commands import test as tool


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """Random weights of the tiny config's model."""
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(write_config(tmp_path))
    init_default_scope('mmpretrain')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), 'model.pth')
    return 'model.pth'


def run_tool(tmp_path, *arguments, extra=''):
    return tool.main([str(write_config(tmp_path, extra)), *arguments, '--work-dir', 'work'])


def test_the_metrics_are_printed_and_written(tmp_path, checkpoint, capsys):
    assert run_tool(tmp_path, checkpoint, '--out', 'metrics.json', '--out-item', 'metrics') == 0
    written = json.loads(Path('metrics.json').read_text())
    table = dict(line.split() for line in capsys.readouterr().out.split('-----\n')[-1].splitlines() if line)
    assert float(table['accuracy/top1']) == pytest.approx(written['accuracy/top1'], abs=1e-4)


@pytest.mark.parametrize('evaluator', ['[]', 'dict(_delete_=True)', "dict(_delete_=True, type='Evaluator', metrics=[])", '()', 'None'])
def test_without_an_evaluator_there_is_no_empty_table(tmp_path, checkpoint, capsys, evaluator):
    nothing = f'test_evaluator = {evaluator}\n'
    assert run_tool(tmp_path, checkpoint, extra=nothing) == 2
    said = capsys.readouterr()
    assert 'test_evaluator' in one_error(said.err) and 'needed' in said.err and 'metric' not in said.out
    if evaluator == '[]':
        assert run_tool(tmp_path, checkpoint, '--out', 'predictions.pkl', extra=nothing) == 0
        assert len(pickle.loads(Path('predictions.pkl').read_bytes())) > 0 and 'metric  value' not in capsys.readouterr().out


@pytest.mark.parametrize('flags', [(), ('--tta',), ('--amp',)], ids=str)
def test_predictions_are_written_for_every_image(tmp_path, checkpoint, flags):
    assert run_tool(tmp_path, checkpoint, '--out', 'predictions.pkl', *flags) == 0
    predictions = pickle.loads(Path('predictions.pkl').read_bytes())
    assert len(predictions) == 64 and predictions[0]['pred_score'].shape == (10,)
    torch.testing.assert_close(predictions[0]['pred_score'].float().sum(), torch.tensor(1.0), atol=0.02, rtol=0)


def test_images_are_written(tmp_path, checkpoint):
    assert (
        run_tool(
            tmp_path,
            checkpoint,
            '--show-dir',
            'shown',
            '--interval',
            '32',
            extra='test_dataloader = dict(batch_size=64)',
        )
        == 0
    )
    assert len(list(Path('shown').glob('*.png'))) == 2


def test_with_views_each_image_is_drawn_once_upright_with_the_mean_of_its_views(tmp_path, checkpoint, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        UniversalVisualizer, 'visualize_cls', lambda self, image, data_sample, **kwargs: drawn.append((image, data_sample, kwargs)))
    mirrored = "tta_pipeline = [dict(type='TestTimeAug', transforms=[[dict(type='RandomFlip', prob=p) for p in (1.0, 0.0)], " \
        "[dict(type='PackInputs')]])]"
    for extra in ('', mirrored):
        drawn.clear()
        loader = 'test_dataloader = dict(batch_size=5, dataset=dict(indices=10))\n'
        assert run_tool(tmp_path, checkpoint, '--tta', '--show-dir', 'shown', '--interval', '3', extra=loader + extra) == 0
        cfg = Config.fromfile(write_config(tmp_path))
        images = [DATASETS.build({**cfg.test_dataloader.dataset, 'indices': 10})[k]['inputs'] for k in (0, 3, 6, 9)]
        model = MODELS.build(cfg.model).eval()
        model.load_state_dict(torch.load(checkpoint)['state_dict'])
        assert len(drawn) == 4
        for image, (shown, sample, kwargs) in zip(images, drawn, strict=True):
            both = torch.stack([image, image.flip(-1)]).float().sub(127.5).div(127.5)
            expected = model(both).softmax(dim=1).mean(dim=0)
            torch.testing.assert_close(torch.as_tensor(shown).permute(2, 0, 1), image)
            torch.testing.assert_close(sample.pred_score, expected.detach(), rtol=1e-4, atol=1e-5)
            assert kwargs['out_file'].startswith('shown')


def test_pictures_of_views_are_written(tmp_path, checkpoint):
    assert run_tool(tmp_path, checkpoint, '--tta', '--show-dir', 'shown', '--interval', '32') == 0
    assert len(list(Path('shown').glob('*.png'))) == 2


class Code:
    def __reduce__(self):
        return (Path.touch, (Path('executed'),))


@pytest.mark.parametrize(
    ('write', 'said'),
    [
        (lambda path: None, 'not there'),
        (lambda path: path.write_bytes(b'PK\x03\x04 cut'), 'cut short'),
        (lambda path: torch.save(dict(state_dict=Code()), path), 'could execute code'),
    ],
    ids=['missing', 'truncated', 'code'],
)
def test_a_checkpoint_that_cannot_be_used_is_one_sentence(tmp_path, monkeypatch, capsys, write, said):
    monkeypatch.chdir(tmp_path)
    write(Path('bad.pth'))
    assert run_tool(tmp_path, 'bad.pth') == 2
    text = one_error(capsys.readouterr().err)
    assert said in text and 'bad.pth' in text and not Path('executed').exists()


def test_labels_that_the_head_does_not_have_are_named(tmp_path, checkpoint, capsys):
    assert run_tool(tmp_path, checkpoint, extra='model = dict(head=dict(num_classes=7))') == 2
    assert 'num_classes=7' in one_error(capsys.readouterr().err)


@pytest.mark.parametrize(
    ('out', 'item', 'said'),
    [
        ('predictions.npy', (), '.pkl or .pickle'),
        ('metrics.json', (), '.pkl or .pickle'),
        ('metrics.txt', ('--out-item', 'metrics'), '.json'),
        ('folder.pkl', (), 'is a folder'),
        ('/proc/absent/predictions.pkl', (), '/proc/absent'),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path, capsys, monkeypatch, out, item, said):
    monkeypatch.chdir(tmp_path)
    Path('folder.pkl').mkdir()
    assert run_tool(tmp_path, 'absent.pth', '--out', out, *item) == 2
    text = one_error(capsys.readouterr().err)
    assert out in text and said in text and '--out' in text and 'absent.pth' not in text


@pytest.mark.parametrize(
    ('flags', 'extra', 'said'),
    [
        (('--show-dir', 'file'), '', 'Name another folder by --show-dir'),
        (('--tta',), 'test_dataloader = dict(dataset=dict(pipeline=[]))', 'test_dataloader.dataset.pipeline'),
        (('--tta',), 'tta_model = 5', 'A dict is needed as tta_model, got 5'),
    ],
)
def test_flags_that_cannot_work_are_one_sentence(tmp_path, monkeypatch, capsys, flags, extra, said):
    monkeypatch.chdir(tmp_path)
    Path('file').write_text('in the way')
    assert run_tool(tmp_path, 'absent.pth', *flags, extra=extra) == 2
    assert said in one_error(capsys.readouterr().err)


def test_an_item_without_a_file_is_an_error(tmp_path, checkpoint, capsys):
    assert run_tool(tmp_path, checkpoint, '--out-item', 'pred') == 2
    assert '--out FILE' in one_error(capsys.readouterr().err)
