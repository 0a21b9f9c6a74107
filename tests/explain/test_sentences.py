"""Configs on which mmengine fails with an error of its own: what our sentence names, and that nothing was trained."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from support.runs import one_error, write_config

from mmkd_ext.commands import train
from mmkd_ext.errors import PreflightError
from mmkd_ext.explain.sentences import one_line, sentence
from mmkd_ext.preflight import check_run as preflight

_BY_LAYER = "optim_wrapper = dict(constructor='LearningRateDecayOptimWrapperConstructor', paramwise_cfg=dict(layer_decay_rate=0.5))"
WRONG = {
    'no epoch': ('train_cfg = dict(max_epochs=0)', ['max_epochs of 1 or more', 'got 0', 'train_cfg.max_epochs']),
    'a validation never': ('train_cfg = dict(val_interval=0)', ['val_interval of 1 or more', 'train_cfg.val_interval']),
    'a stage that is not there': (
        'model = dict(backbone=dict(out_indices=(7,)))',
        ['max(out_indices) < num_stages', 'out_indices=(7,)', 'ResNet_CIFAR'],
    ),
    'learning rates by layers that nobody counts': (_BY_LAYER, ['get_layer_depth', 'ResNet_CIFAR', 'layer_decay_rate']),
    'a backbone that is a number': ('model = dict(backbone=5)', ['backbone of ImageClassifier', 'got 5', 'Look at model']),
    'a neck without its prefix': ("model = dict(neck=dict(type='TESKDNeck'))", ['Did you mean mmkd_ext.TESKDNeck?']),
    'a head with another prefix': ("model = dict(head=dict(type='mmdet.TESKDHead'))", ['Did you mean mmkd_ext.TESKDHead?']),
    'a head of no type': ('model = dict(head=dict(type=None))', ['head of ImageClassifier', 'type=None']),
    'an optimizer that is a name': ("optim_wrapper = dict(optimizer='SGD')", ["got 'SGD'", 'optim_wrapper.optimizer']),
    'milestones of words': ("param_scheduler = dict(milestones=['two'])", ['milestones', "['two']", 'param_scheduler']),
    'a decay that is a word': ("param_scheduler = dict(gamma='small')", ['gamma', "'small'", 'param_scheduler']),
    'half precision, perhaps': ("val_cfg = dict(fp16='maybe')", ['True or False', "'maybe'", 'val_cfg.fp16']),
    'a crop of a word': (
        "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomCrop', crop_size='a'), dict(type='PackInputs')]))",
        ['RandomCrop', "crop_size='a'"],
    ),
    'data that are a number': ('train_dataloader = dict(dataset=5)', ['train_dataloader.dataset', 'got 5']),
    'a sampler that is a word': ("val_dataloader = dict(sampler='all')", ['val_dataloader.sampler', "got 'all'"]),
    'an evaluator that is a word': ("val_evaluator = 'top1'", ['val_evaluator', "got 'top1'"]),
    'a batch of a word': ("train_dataloader = dict(batch_size='two')", ['train_dataloader', "batch_size='two'"]),
    'workers that are a word': ("train_dataloader = dict(num_workers='two')", ['train_dataloader', "num_workers='two'"]),
    'a misspelt loop': ("train_cfg = dict(type='EpochBasedTrainLop', by_epoch=None)", ['train_cfg', 'by_epoch']),
    'an option that the loop does not have': ('train_cfg = dict(max_epoch=3)', ['train_cfg', "'max_epoch'"]),
    'epochs that are no number': ("train_cfg = dict(max_epochs='three')", ['train_cfg', "'three'"]),
    'a hook without a type': ("custom_hooks = [dict(tpe='EMAHook')]", ['`type`', "['tpe']", 'custom_hooks']),
    'hooks in a dict': ("custom_hooks = dict(type='EMAHook')", ['custom_hooks']),
    'a default hook that is a number': ('default_hooks = dict(logger=3)', ['default_hooks', 'got 3']),
    'a file backend that nobody registered': (
        "default_hooks = dict(checkpoint=dict(backend_args=dict(backend='mmkd_ext.atomicc')))",
        ['CheckpointHook', 'mmkd_ext.atomicc'],
    ),
    'a visualizer without a type': (
        'visualizer = dict(_delete_=True, vis_backends=[])',
        ['`type`', 'visualizer'],
    ),
    'a log level': ("log_level = 'LOUD'", ['log_level', 'LOUD']),
    'a scheduler that is a word': ("param_scheduler = 'cosine'", ['param_scheduler']),
    'an interval that is a word': (
        "default_hooks = dict(checkpoint=dict(interval='often'))", ['CheckpointHook', "interval='often'", 'checkpoint.interval']),
    'a metric that nothing logs': (
        "default_hooks = dict(checkpoint=dict(save_best='accuracy/top9'))",
        ['CheckpointHook', "'accuracy/top9'", 'Did you mean accuracy/top1', 'save_best']),
    'a stop by a metric that nothing logs': (
        "custom_hooks = [dict(type='EarlyStoppingHook', monitor='accuracy/top5')]",
        ["'accuracy/top5'", 'monitor of the EarlyStoppingHook']),
    'a schedule by a metric that nothing logs': (
        "param_scheduler = dict(_delete_=True, type='ReduceOnPlateauLR', monitor='acc', rule='greater')",
        ["'acc'", 'accuracy/top1', 'monitor in param_scheduler']),
    'a rule that nobody knows': (
        "default_hooks = dict(checkpoint=dict(rule='larger'))", ['CheckpointHook', 'greater, less', 'larger']),
    'a table by which none is best': (  # of a number of which nobody knows whether more is better: preflight/test_watched_numbers
        "val_evaluator = dict(_delete_=True, type='ConfusionMatrix')\n"
        'default_hooks = dict(checkpoint=dict(rule=None))', ['confusion_matrix/result', 'several numbers', 'CheckpointHook']),
    'checkpoints never': ('default_hooks = dict(checkpoint=dict(interval=0))', ['CheckpointHook', 'interval', '1 or more or -1', 'got 0']),
    'checkpoints at minus two': ('default_hooks = dict(checkpoint=dict(interval=-2))', ['CheckpointHook', 'got -2']),
    'no checkpoint kept': ('default_hooks = dict(checkpoint=dict(max_keep_ckpts=0))', ['max_keep_ckpts', 'got 0']),
    'a log never': ('default_hooks = dict(logger=dict(interval=0))', ['LoggerHook', 'interval must be greater than 0']),
    'pictures never': ('default_hooks = dict(visualization=dict(interval=0, enable=True))', ['VisualizationHook', 'interval', 'got 0']),
    'means over nothing': ('log_processor = dict(window_size=0)', ['window_size=0', 'log_processor.window_size']),
    'means over less than nothing': ('log_processor = dict(window_size=-3)', ['window_size=-3']),
    'a negative batch': ('train_dataloader = dict(batch_size=-4)', ['train_dataloader', '-4']),
    'negative workers': ('val_dataloader = dict(num_workers=-1)', ['val_dataloader', 'num_workers', 'non-negative']),
    'half an epoch': ('train_cfg = dict(max_epochs=1.5)', ['train_cfg', '1.5']),
    'a negative number of epochs': ('train_cfg = dict(max_epochs=-1)', ['max_epochs', '-1']),
    'a learning rate that is no number': ("optim_wrapper = dict(optimizer=dict(lr=float('nan')))", ['optim_wrapper.optimizer.lr', 'nan']),
    'an endless learning rate': ("optim_wrapper = dict(optimizer=dict(lr=float('inf')))", ['optim_wrapper.optimizer.lr', 'inf']),
    'gradients over no batch': ('optim_wrapper = dict(accumulative_counts=0)', ['OptimWrapper', 'accumulative_counts']),
    'a validation from the epoch before the first': ('train_cfg = dict(val_begin=-1)', ['val_begin', '-1', 'train_cfg']),
    'a loss that is learned away from': ('model = dict(head=dict(loss=dict(loss_weight=-1.)))', ['loss_weight=-1.0', 'model.head.loss']),
    'a loss of no weight': ("model = dict(head=dict(loss=dict(loss_weight=float('nan'))))", ['loss_weight=nan', 'model.head.loss']),
    'images divided by nothing': ('data_preprocessor = dict(std=[0., 1., 1.])', ['std=[0.0', 'data_preprocessor.std']),
    'images around nothing': ("data_preprocessor = dict(mean=[float('nan')] * 3)", ['mean=[nan', 'data_preprocessor.mean']),
    'gradients turned around': ('optim_wrapper = dict(clip_grad=dict(max_norm=-1.))', ['max_norm=-1.0', 'optim_wrapper.clip_grad']),
    'milestones before the start': ('param_scheduler = dict(milestones=[-2])', ['milestones', '0 or more', '[-2]', 'param_scheduler']),
    'two metrics of one name': (
        "val_evaluator = [dict(type='Accuracy'), dict(type='Accuracy')]",
        ['several metrics give accuracy/top1', 'prefix', 'val_evaluator']),
    'a folder for checkpoints that is a number': ('default_hooks = dict(checkpoint=dict(out_dir=4))', ['out_dir', 'got 4']),
    'a scope that is a number': ('default_scope = 3', ['default_scope', 'got 3']),
    'a scope that nobody installed': ("default_scope = 'nope'", ['default_scope', "'nope'"]),
    'no optimizer': ("optim_wrapper = dict(_delete_=True, type='OptimWrapper')", ['optim_wrapper']),
    'a seed that is a word': ("randomness = dict(seed='three')", ['randomness']),
    'threads that are no number': ("env_cfg = dict(mp_cfg=dict(opencv_num_threads='two'))", ['env_cfg', 'TypeError']),
    'an environment that is a number': ('env_cfg = 3', ['env_cfg', 'dict is needed', 'int']),
    'a batch of nothing': ('train_dataloader = dict(batch_size=0)', ['train_dataloader', 'batch_size=0']),
    'a batch of None': ('train_dataloader = dict(batch_size=None)', ['train_dataloader.batch_size', 'None']),
    'an option that a loader does not have': ('val_dataloader = dict(batchsize=3)', ['val_dataloader', "'batchsize'"]),
    'an argument that our data does not take': (
        "train_dataloader = dict(dataset=dict(splitt='train'))",
        ['mmkd_ext.Digits', "'splitt'", 'Look at'],
    ),
    'a pipeline that packs nothing': (
        "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomFlip', prob=0.5)]))",
        ['train_dataloader', 'pipeline', 'collate_fn'],
    ),
    'a validation without an evaluator': ('val_evaluator = None', ['val_evaluator']),
    'a model that is a word': ("model = 'resnet18'", ["'resnet18'", 'model']),
    'a misspelt norm': ("model = dict(backbone=dict(norm_cfg=dict(type='BNN')))", ["'BNN'", 'Did you mean BN']),
    'more frozen stages than there are': (
        'model = dict(backbone=dict(frozen_stages=9))',
        ['layer5', "type='ResNet_CIFAR'"],
    ),
    'weights to start from that are not there': (
        "model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='absent.pth')))",
        ['init_cfg', 'absent.pth'],
    ),
    'a compiler': ("compile = dict(backend='inductorr')", ['compile', 'inductorr']),
    'a learning rate to scale by nothing': ('auto_scale_lr = dict(enable=True)', ['auto_scale_lr', 'base_batch_size']),
    'a number to load from': ('load_from = 3', ['load_from', 'got 3']),
    'a folder for checkpoints that cannot be': (
        "default_hooks = dict(checkpoint=dict(out_dir='/proc/absent'))",
        ['/proc/absent', 'out_dir'],
    ),
    "mmcv's SyncBN": ("model = dict(backbone=dict(norm_cfg=dict(type='MMSyncBN')))", ['SyncBN', 'norm_cfg', "'GN'"]),
}
LATER = {
    'a gradient clip': (
        'optim_wrapper = dict(clip_grad=dict(norm=1))',
        ['optim_wrapper.clip_grad', "'norm'"],
    ),
    'more ranks than classes': (
        "val_evaluator = dict(type='Accuracy', topk=(1, 50))",
        ['val_evaluator', 'Top-50'],
    ),
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def said_by(capsys, tmp_path, extra) -> str:
    assert train.main([str(write_config(tmp_path, extra)), '--work-dir', 'work']) == 2
    return one_error(capsys.readouterr().err)


@pytest.mark.parametrize(('extra', 'words'), WRONG.values(), ids=WRONG)
def test_what_the_host_cannot_use_is_one_sentence_that_names_its_place(tmp_path, capsys, extra, words):
    text = said_by(capsys, tmp_path, extra)
    assert [word for word in words if word not in text] == [], text
    assert not list(Path().rglob('*.pth')) and not list(Path('work').rglob('scalars.json'))


@pytest.mark.parametrize(('extra', 'words'), LATER.values(), ids=LATER)
def test_what_the_host_reads_only_while_it_runs_is_one_sentence_too(tmp_path, capsys, extra, words):
    text = said_by(capsys, tmp_path, f'train_cfg = dict(max_epochs=1)\n{extra}')
    assert [word for word in words if word not in text] == [], text


class SyncBatchNorm(torch.nn.BatchNorm2d):
    """Stands for mmcv's, which mmengine's wrapper takes on a CPU and which fails in the first forward pass."""


@pytest.mark.parametrize('layer', [torch.nn.SyncBatchNorm, SyncBatchNorm])
def test_sync_bn_is_refused_where_there_is_no_gpu(monkeypatch, layer):
    model = torch.nn.ModuleDict(dict(backbone=torch.nn.Sequential(torch.nn.BatchNorm2d(2), layer(2), layer(2))))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(PreflightError, match=r'SyncBN needs GPUs.* 2 SyncBN.*model\.backbone\.1\. Look.*model\.backbone:'):
        preflight._check_norms(SimpleNamespace(model=model))
    preflight._check_norms(SimpleNamespace(model=model.backbone[0]))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    preflight._check_norms(SimpleNamespace(model=model))


def raised(source: str, file: str) -> BaseException:
    """The error of a piece of code that seems to stand in `file`."""
    try:
        exec(compile(source, file, 'exec'), {})
    except Exception as error:
        return error
    raise AssertionError(f'{source} raised nothing')


def test_of_our_own_code_only_what_it_raises_is_a_sentence():
    import mmkd_ext

    ours = str(Path(mmkd_ext.__file__).parent / 'some.py')
    assert sentence(raised("raise ValueError(\n    'needed a,\\n'\n    'got b')", ours)) == 'needed a, got b'
    assert sentence(raised('dict(a=1)(b=2)', ours)) is None
    assert sentence(raised("int('three')", ours)) is None
    assert sentence(raised("raise ValueError('not ours')", '/elsewhere.py')) is None


def test_our_own_error_is_known_by_its_file_through_a_link(tmp_path):
    import mmkd_ext

    (tmp_path / 'link').symlink_to(Path(mmkd_ext.__file__).parent)
    assert sentence(raised("raise ValueError('needed a')", str(tmp_path / 'link/some.py'))) == 'needed a'


def test_a_text_that_quotes_a_whole_config_is_cut():
    text = one_line(ValueError('needed\n' + 'x' * 5000))
    assert text.startswith('ValueError: needed xxx') and text.endswith('x [...]') and len(text) < 450
    assert one_line(KeyError('a b')) == 'KeyError: a b'
