"""Our config in a comparison: the pair, the loss and the data of the others."""

import pytest
from mmengine.config import Config

from mmkd_ext.benchmark.peers.ours import config_text
from mmkd_ext.benchmark.peers.pairs import PAIRS


@pytest.mark.parametrize(('name', 'how', 'precision', 'warm_up'), [
    ('cifar', {}, None, 5), ('imagenet', dict(half_teacher=True), 'bf16', 17), ('cifar', dict(compiled=True), None, 5)])
def test_the_config_is_the_pair_s(tmp_path, name, how, precision, warm_up):
    pair, path = PAIRS[name], tmp_path / f'ours_{name}.py'
    path.write_text(config_text(pair, '/images', pair.batch_size, 5, 7, **how))
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.batch_size == pair.batch_size and cfg.train_dataloader.num_workers == 0
    assert cfg.train_dataloader.dataset.data_root == '/images'
    teacher, losses = cfg.model.teacher, cfg.model.losses
    assert teacher.model.endswith(f'/{pair.teacher}') and teacher.precision == precision and teacher.num_classes == pair.classes
    assert list(losses) == ['kd'] and (losses.kd.tau, losses.kd.loss_weight) == (4.0, 0.9)
    head = cfg.model.student.head
    assert head.num_classes == pair.classes and head.loss.loss_weight == 0.1
    assert cfg.compile == ('compiled' in how)
    (hook,) = cfg.custom_hooks
    assert (hook.iterations, hook.fd, hook.warm_up) == (5, 7, warm_up)
    assert cfg.data_preprocessor.mean == pytest.approx([255 * each for each in pair.mean], abs=0.01)
    assert cfg.data_preprocessor.std == pytest.approx([255 * each for each in pair.std], abs=0.01)
