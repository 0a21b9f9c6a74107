"""The worked example of CONTRIBUTING.md: a loss in a file beside a config is trained, exported and compared in a study."""

import re
from pathlib import Path

import pytest
from support.copied_runs import trainings_in_copies
from support.runs import REPO

from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student, study, train

FOLDER = 'my_method'
ONE_EPOCH = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1, 'default_hooks.checkpoint.interval': 1}
RANDOM_TEACHER = {'model.teacher.checkpoint': None, 'model.teacher.allow_random': True}


@pytest.fixture
def example(tmp_path, monkeypatch) -> Path:
    """A checkout's place with the files of the example in it."""
    text = (REPO / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    blocks = dict(re.findall(rf'```python\n# {FOLDER}/(\w+\.py)\n(.*?)```', text, re.S))
    assert sorted(blocks) == ['cosine_digits.py', 'cosine_loss.py', 'study_cosine_digits.py']
    (tmp_path / FOLDER).mkdir()
    for name, block in blocks.items():
        (tmp_path / FOLDER / name).write_text(block)
    (tmp_path / 'configs').symlink_to(REPO / 'configs')
    monkeypatch.chdir(tmp_path)
    return tmp_path / FOLDER


def options(settings: dict) -> list[str]:
    return [f'{key}={value}' for key, value in settings.items()]


def test_the_loss_of_the_example_is_trained_and_not_exported(example):
    config = str(example / 'cosine_digits.py')
    settings = {**ONE_EPOCH, **RANDOM_TEACHER, 'default_hooks.logger.interval': 1}
    assert train.main([config, '--cfg-options', *options(settings)]) == 0
    log = ''.join(path.read_text() for path in Path('work_dirs/cosine_digits').glob('*/*.log'))
    assert 'loss_cosine: ' in log and 'cosine_cosine: ' in log
    state = read_checkpoint('work_dirs/cosine_digits/epoch_1.pth')['state_dict']
    assert state['distill.cosine.adapter.weight'].shape == (128, 64)
    assert export_student.main([config, 'work_dirs/cosine_digits/epoch_1.pth', 'student.pth']) == 0
    assert read_checkpoint('student.pth')['state_dict'].keys() == {key for key in state if not key.startswith('distill.')}


@pytest.mark.slow
@pytest.mark.timeout(900)  # four trainings
def test_the_study_of_the_example_gives_its_table(example):
    file = example / 'study_cosine_digits.py'
    # nothing but the length is changed
    file.write_text(f'{file.read_text()}study.update(seeds=[0], options={ONE_EPOCH})\n'
                    f"study['teachers']['resnet20x2'].update(options={ONE_EPOCH})\n")
    with trainings_in_copies():
        assert study.main([f'{FOLDER}/{file.name}']) == 0
    table = (Path('work_dirs') / f'{FOLDER}_study_cosine_digits/table.md').read_text()
    assert [row for row in ('student alone', 'KD', 'cosine') if f'| {row} |' not in table] == []
