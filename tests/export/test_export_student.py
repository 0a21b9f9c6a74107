"""What is shipped: a plain zoo model that predicts as the training model did, or nothing at all."""

import os
import pickle
from pathlib import Path
from typing import Any

import mmpretrain
import pytest
import torch
from mmengine.config import Config
from support.onnx_translations import translations_gathered_once
from support.runs import REPO, TESKD, one_error, train_once, write_config
from torch import Tensor, nn

from mmkd_ext.commands.export_student import main
from mmkd_ext.export import onnx_graph
from mmkd_ext.export.export_student import export_student
from mmkd_ext.models import build as building
from mmkd_ext.models.build import build_model, input_shape, input_size
from mmkd_ext.models.plain_config import plain_config, plain_model

__all__ = ['translations_gathered_once']  # a fixture

NETWORKS: dict[str, dict[str, Any]] = {
    'timm': dict(
        backbone=dict(type='TIMMBackbone', model_name='test_resnet', features_only=True, out_indices=(1, 2, 3, 4)),
        neck=dict(type='mmkd_ext.TESKDNeck', in_channels=None, channels=8),
        head=dict(type='mmkd_ext.TESKDHead', num_classes=7, in_channels=None),
    ),
    'VGG': dict(
        backbone=dict(type='VGG', depth=11, norm_cfg=dict(type='BN'), out_indices=(1, 2, 3, 4)),
        neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(128, 256, 512, 512), channels=8, branch_strides=(4, 2, 1)),
        head=dict(type='mmkd_ext.TESKDStackedHead', num_classes=7, in_channels=512, mid_channels=(40, 30)),
    ),
    'SE-ResNet, three stages': dict(
        backbone=dict(
            type='mmkd_ext.SEResNet_CIFAR', depth=18, base_channels=16, stem_channels=16, out_indices=(0, 2, 3)
        ),
        neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 64, 128), channels=8, stage_strides=(1, 4, 2)),
        head=dict(type='mmkd_ext.TESKDHead', num_classes=7, in_channels=128, num_students=2),
    ),
    'grey images': dict(
        backbone=dict(
            type='ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4, in_channels=1, out_indices=(2, 3)
        ),
        neck=dict(type='mmkd_ext.TESKDNeck', in_channels=(16, 32), channels=8),
        head=dict(type='mmkd_ext.TESKDHead', num_classes=7, in_channels=32, num_students=1),
    ),
}


class Intruder:
    """A pickle that would touch a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def config_of(name: str) -> Config:
    """Of `NETWORKS`; a timm model tells its widths itself."""
    model = Config(dict(model=NETWORKS[name])).model
    if name == 'timm':
        import timm

        widths = timm.create_model('test_resnet', features_only=True).feature_info.channels()[1:]
        model.neck.in_channels, model.head.in_channels = tuple(widths), widths[-1]
    preprocessor = dict(num_classes=7, mean=[0.0] * 3, std=[1.0] * 3)
    return Config(
        dict(default_scope='mmpretrain', model={'type': 'ImageClassifier', **model}, data_preprocessor=preprocessor)
    )


@torch.no_grad()
def disturbed(model: nn.Module, rng: torch.Generator) -> nn.Module:
    """As if it had been trained: no parameter and no statistic at its start."""
    for name, tensor in model.state_dict().items():
        if name.endswith('running_var'):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=rng))
        elif tensor.is_floating_point():
            scale = 0.3 * tensor.std() if tensor.ndim > 1 else 0.05  # a network that does not saturate
            tensor += scale * torch.randn(tensor.shape, generator=rng)
    return model


def probabilities(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.stack([sample.pred_score for sample in model.predict(images)])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """A config and the checkpoint of a real run of it, one epoch on 160 digits."""
    folder = tmp_path_factory.mktemp('trained')
    config, _ = train_once(folder, TESKD)
    return config, folder / 'work' / 'epoch_1.pth'


@pytest.fixture
def training_model(trained) -> nn.Module:
    config, checkpoint = trained
    model = build_model(Config.fromfile(config))
    model.load_state_dict(torch.load(checkpoint, weights_only=False)['state_dict'])
    return model


def assert_loads_wholly(model: nn.Module, checkpoint: Path, helpers: bool) -> None:
    """What mmengine's lenient loader would only print: nothing missing, nothing else but helpers, and the values."""
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    mine = model.state_dict()
    extra = [key for key in state if key not in mine]
    assert [key for key in mine if key not in state] == []
    assert all(key.startswith(('neck.', 'head.students.')) for key in extra) and bool(extra) == helpers
    torch.testing.assert_close(mine, {key: state[key] for key in mine}, rtol=0, atol=0)


@pytest.mark.parametrize('exported', [True, False], ids=['exported checkpoint', 'training checkpoint'])
def test_get_model_loads_it_into_the_plain_network_with_the_same_predictions(
    trained, training_model, tmp_path, rng, exported
):
    config, checkpoint = trained
    out = tmp_path / 'student.pth'
    assert export_student(Config.fromfile(config), checkpoint, out) == [out, out.with_suffix('.py')]
    weights = out if exported else checkpoint
    plain = mmpretrain.get_model(str(out.with_suffix('.py')), pretrained=str(weights))
    assert_loads_wholly(plain, weights, helpers=not exported)
    assert type(plain.neck).__module__.startswith('mmpretrain.') and type(plain.head).__name__ == 'LinearClsHead'
    images = torch.randn(5, 3, 8, 8, generator=rng)
    expected = probabilities(training_model, images)
    torch.testing.assert_close(probabilities(plain, images), expected, rtol=0, atol=1e-5)
    assert (expected[0] - expected[1]).abs().max() > 1e-3  # the comparison can fail


def test_the_exported_checkpoint_says_its_classes_and_nothing_of_the_training(trained, tmp_path):
    config, checkpoint = trained
    export_student(Config.fromfile(config), checkpoint, tmp_path / 'a.pth')
    state = torch.load(tmp_path / 'a.pth', weights_only=True)
    assert set(state) == {'meta', 'state_dict'} and state['meta']['dataset_meta']['classes'][3] == '3'
    assert (tmp_path / 'a.pth').stat().st_size < checkpoint.stat().st_size / 2
    plain = Config.fromfile(tmp_path / 'a.py')
    assert not {'train_cfg', 'train_dataloader', 'optim_wrapper', 'custom_hooks'} & set(plain)


def test_the_command_line_writes_onnx_that_runs_at_another_batch_size(trained, training_model, tmp_path, rng, capsys):
    import onnxruntime

    config, checkpoint = trained
    assert main([str(config), str(checkpoint), str(tmp_path / 'a.pth'), '--onnx']) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.onnx', 'a.pth', 'a.py']
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith('wrote ')] == [
        str(tmp_path / f'a.{ending}') for ending in ('pth', 'py', 'onnx')
    ]
    images = torch.randn(7, 3, 8, 8, generator=rng)
    session = onnxruntime.InferenceSession(tmp_path / 'a.onnx', providers=['CPUExecutionProvider'])
    (logits,) = session.run(None, {'images': images.numpy()})
    got = torch.from_numpy(logits).softmax(dim=1)
    torch.testing.assert_close(got, probabilities(training_model, images), rtol=0, atol=1e-5)


@pytest.mark.parametrize('name', NETWORKS)
def test_other_backbones_and_heads_make_the_round_trip(name, tmp_path, rng):
    cfg = config_of(name)
    torch.manual_seed(0)
    model = disturbed(build_model(cfg), rng)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    export_student(cfg, tmp_path / 'epoch_1.pth', tmp_path / 'student.pth', size=32)
    images = torch.randn(3, input_shape(cfg)[0], 32, 32, generator=rng)
    expected = probabilities(model, images)
    for weights, helpers in ((tmp_path / 'student.pth', False), (tmp_path / 'epoch_1.pth', True)):
        plain = mmpretrain.get_model(str(tmp_path / 'student.py'), pretrained=str(weights))
        assert_loads_wholly(plain, weights, helpers)
        torch.testing.assert_close(probabilities(plain, images), expected, rtol=0, atol=1e-5)
    assert (expected[0] - expected[1]).abs().max() > 1e-4


def truncate(config: Path, checkpoint: Path, bad: Path) -> None:
    content = checkpoint.read_bytes()
    bad.write_bytes(content[: len(content) // 2])


def of_another_config(config: Path, checkpoint: Path, bad: Path) -> None:
    state = torch.load(checkpoint, weights_only=False)
    del state['state_dict']['backbone.layer2.0.conv2.weight']
    state['state_dict']['backbone.layer9.weight'] = torch.zeros(3)
    torch.save(state, bad)


def of_other_widths(config: Path, checkpoint: Path, bad: Path) -> None:
    state = torch.load(checkpoint, weights_only=False)
    state['state_dict']['head.fc.weight'] = torch.zeros(11, 32)
    torch.save(state, bad)


def of_nothing(config: Path, checkpoint: Path, bad: Path) -> None:
    torch.save(dict(meta={}), bad)


def with_code(config: Path, checkpoint: Path, bad: Path) -> None:
    state = torch.load(checkpoint, weights_only=False)
    torch.save({**state, 'optimizer': Intruder(bad.with_name('intruded'))}, bad)


def with_code_as_bare_pickle(config: Path, checkpoint: Path, bad: Path) -> None:
    bad.write_bytes(pickle.dumps(dict(state_dict={}, intruder=Intruder(bad.with_name('intruded')))))


def diverged(config: Path, checkpoint: Path, bad: Path) -> None:
    state = torch.load(checkpoint, weights_only=False)
    state['state_dict']['head.fc.weight'].fill_(torch.nan)
    torch.save(state, bad)


@pytest.mark.parametrize(
    ('damage', 'words'),
    [
        (truncate, ('cut short',)),
        (of_another_config, ('backbone.layer2.0.conv2.weight', 'backbone.layer9.weight')),
        (of_other_widths, ('head.fc.weight (11, 32) for (10, 32)',)),
        (of_nothing, ('state_dict',)),
        (with_code, ('could execute code',)),
        (with_code_as_bare_pickle, ('cannot be used',)),
        (diverged, ('head.fc.weight', 'are NaN')),
    ],
)
@pytest.mark.parametrize('existing', [False, True], ids=['new output', 'existing output'])
def test_a_checkpoint_that_is_not_right_writes_nothing(trained, tmp_path, damage, words, existing, capsys):
    config, checkpoint = trained
    bad, out = tmp_path / 'bad.pth', tmp_path / 'out'
    damage(config, checkpoint, bad)
    out.mkdir()
    if existing:
        for ending in ('pth', 'py', 'onnx'):
            (out / f'a.{ending}').write_text(f'precious {ending}')
    before = contents(tmp_path)
    assert main([str(config), str(bad), str(out / 'a.pth'), '--onnx']) == 2
    said = one_error(capsys.readouterr().err)
    assert [word for word in (str(bad), *words) if word not in said] == []
    assert contents(tmp_path) == before


def test_the_intruder_would_have_come_in(tmp_path):
    pickle.loads(pickle.dumps(Intruder(tmp_path / 'intruded')))
    assert (tmp_path / 'intruded').exists()


class Off(nn.Module):
    """The graph that ONNX gets, with logits that are a little off."""

    def __init__(self, model: nn.Module, kind: type) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.model(images, mode='tensor') + 2e-3 * torch.arange(10),)


@pytest.mark.parametrize('sure', [False, True], ids=['unsure network', 'network sure of its class'])
@pytest.mark.parametrize('onnx', [False, True], ids=['plain network', 'onnx'])
def test_other_predictions_write_nothing(trained, tmp_path, monkeypatch, onnx, sure):
    config, checkpoint = trained
    state = torch.load(checkpoint, weights_only=False)
    if sure:  # all probabilities are 0 or 1 in float32, whatever is off
        state['state_dict']['head.fc.bias'][3] += 120
    checkpoint = tmp_path / 'epoch_1.pth'
    torch.save(state, checkpoint)
    if onnx:
        monkeypatch.setattr(onnx_graph, '_Graph', Off)
    else:
        build = building.build_model

        def build_off(config: Config) -> nn.Module:
            model = build(config)
            return model if 'TESKD' in config.model.head.type else _with_other_pooling(model)

        monkeypatch.setattr(building, 'build_model', build_off)
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'a.pth').write_text('precious')
    with pytest.raises(ValueError, match='differ by'):
        export_student(Config.fromfile(config), checkpoint, out / 'a.pth', onnx=onnx)
    assert contents(out) == {'a.pth': b'precious'}


def _with_other_pooling(model: nn.Module) -> nn.Module:
    """The same keys, another function: what a wrong `plain_cfg` would give."""
    model.neck.gap = nn.AdaptiveMaxPool2d(1)
    model.backbone.relu = nn.LeakyReLU(0.05)
    return model


def test_the_sources_are_never_replaced(trained, tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(Config.fromfile(trained[0]).pretty_text)
    checkpoint = tmp_path / 'epoch_1.pth'
    checkpoint.write_bytes(trained[1].read_bytes())
    before = contents(tmp_path)
    for out in (tmp_path / 'mine.pth', checkpoint, Path(os.path.relpath(checkpoint))):
        with pytest.raises(ValueError, match='would replace'):
            export_student(Config.fromfile(config), checkpoint, out)
    assert contents(tmp_path) == before


def test_an_output_that_is_no_checkpoint_is_refused(trained, tmp_path):
    with pytest.raises(ValueError, match=r'ends in \.pth'):
        export_student(Config.fromfile(trained[0]), trained[1], tmp_path / 'student.onnx')
    assert contents(tmp_path) == {}


def test_a_failed_write_leaves_the_existing_file(trained, tmp_path, monkeypatch):
    (tmp_path / 'a.pth').write_text('precious')

    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space'):
        export_student(Config.fromfile(trained[0]), trained[1], tmp_path / 'a.pth')
    assert contents(tmp_path) == {'a.pth': b'precious'}


def test_a_plain_config_exports_too(tmp_path, rng):
    cfg = Config.fromfile(write_config(tmp_path))
    model = disturbed(build_model(cfg), rng)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    export_student(cfg, tmp_path / 'epoch_1.pth', tmp_path / 'student.pth')
    assert set(torch.load(tmp_path / 'student.pth', weights_only=True)['state_dict']) == set(model.state_dict())


def test_the_plain_head_keeps_what_the_teacher_s_head_was_told():
    head = dict(
        type='mmkd_ext.TESKDHead', num_classes=7, in_channels=5, tau=2, num_students=1, topk=(1, 2), cal_acc=True
    )
    model = dict(type='ImageClassifier', backbone=dict(type='X'), head=head)
    assert plain_model(model)['head'] == dict(
        type='LinearClsHead', num_classes=7, in_channels=5, topk=(1, 2), cal_acc=True, init_cfg=None
    )
    init = dict(type='Normal', layer='Linear', std=0.01)
    stacked = {**head, 'type': 'mmkd_ext.TESKDStackedHead', 'mid_channels': (3,), 'init_cfg': init}
    plain = plain_model({**model, 'head': stacked})['head']
    assert plain['type'] == 'StackedLinearClsHead' and plain['init_cfg'] == init and 'tau' not in plain
    assert model['head'] is head and head['type'] == 'mmkd_ext.TESKDHead'  # the argument is as it was


def test_a_model_without_helpers_comes_back_as_it_is():
    model = dict(
        type='ImageClassifier', backbone=dict(type='ResNet', out_indices=(1, 3)), neck=None, head=dict(type='X')
    )
    assert plain_model(model) == model


def test_no_weights_are_downloaded_for_a_network_that_gets_them_from_a_checkpoint(monkeypatch):
    cfg = config_of('timm')
    cfg.model.backbone.pretrained = True
    import timm

    asked = []
    create = timm.create_model
    monkeypatch.setattr(
        timm, 'create_model', lambda **options: asked.append(options['pretrained']) or create(**options)
    )
    build_model(cfg), build_model(plain_config(cfg))
    assert asked == [False, False] and cfg.model.backbone.pretrained is True
    assert plain_model(cfg.model).backbone.pretrained is True  # the same network trained plainly starts from them


@pytest.mark.parametrize(
    ('config', 'shape'),
    [
        ('r18_cifar100', (3, 32, 32)),
        ('r18_digits', (3, 16, 16)),
        ('r18_imagenet', (3, 224, 224)),
        ('r18_fashion_mnist', (1, 28, 28)),
    ],
)
def test_the_input_is_what_the_pipelines_give(config, shape):
    cfg = Config.fromfile(REPO / f'configs/teskd/{config}.py')
    assert input_shape(cfg) == shape and input_shape(cfg, 48) == (shape[0], 48, 48) and input_size(cfg) == shape[1]
