"""Which checkpoint a run goes on from, out of files of milliseconds; whole runs are in test_run_folder.py."""

import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmkd_ext.checkpoints import resuming
from mmkd_ext.checkpoints.resuming import start_from, start_newest
from mmkd_ext.checkpoints.run_folder import RUNS, write_record

ME, OTHER = 'aa', 'bb'


def save(path, *runs, time='2026-01-01 00:00:00'):
    """A checkpoint of the last of `runs`; of no run: from before they had names."""
    path.parent.mkdir(exist_ok=True)
    info = {RUNS: list(runs)} if runs else {}
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta=dict(time=time), message_hub=dict(runtime_info=info)), path)
    return path


def damage(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.fixture
def work(tmp_path):
    (tmp_path / 'work').mkdir()
    return tmp_path / 'work'


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(resuming, 'print_log', lambda text, *_: lines.append(text))
    return lines


def config(work):
    return Config(dict(work_dir=str(work), default_hooks=dict(checkpoint=dict(type='CheckpointHook'))))


def test_a_named_checkpoint_starts_a_new_run_that_owns_what_lies_in_its_folder(work):
    inside, outside = save(work / 'epoch_1.pth', OTHER, ME), save(work.parent / 'elsewhere.pth', OTHER, ME)
    first, second = (start_from(config(work), str(path)) for path in (inside, outside))
    assert first.runs[:-1] == (OTHER, ME) and second.runs[:-1] == () and first.resumed_from == str(inside)
    assert len({OTHER, ME, first.runs[-1], second.runs[-1]}) == 4


def test_an_empty_folder_starts_nothing(work):
    assert start_newest(config(work)) is None
    write_record(work, ME, None)
    assert start_newest(config(work)) is None


def test_the_newest_of_the_run_that_was_started_last_is_taken(work):
    for epoch, runs in ((1, (ME,)), (2, (ME,)), (3, (OTHER,))):
        save(work / f'epoch_{epoch}.pth', *runs)
    write_record(work, ME, None)
    assert start_newest(config(work)) == (str(work / 'epoch_2.pth'), (ME,))


def test_a_damaged_one_is_passed_over_with_a_warning(work, said):
    for epoch in (1, 2):
        save(work / f'epoch_{epoch}.pth', ME)
    damage(work / 'epoch_2.pth')
    write_record(work, ME, None)
    assert start_newest(config(work)).resumed_from == str(work / 'epoch_1.pth')
    assert len(said) == 1 and 'epoch_2.pth' in said[0] and said[0].endswith(f'Using {work / "epoch_1.pth"} instead.')


def test_where_none_can_be_read_nothing_starts_anew(work):
    for epoch in (1, 2):
        damage(save(work / f'epoch_{epoch}.pth', ME))
    with pytest.raises(ValueError, match=r'got 2 that cannot; the newest: .*epoch_2.pth.* --resume CHECKPOINT'):
        start_newest(config(work))
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta={}), work / 'epoch_2.pth')  # weights alone
    with pytest.raises(ValueError, match='with message_hub is needed'):
        start_newest(config(work))


def test_checkpoints_of_an_earlier_run_alone_are_refused(work):
    save(work / 'epoch_9.pth', OTHER)
    write_record(work, ME, None)
    with pytest.raises(ValueError, match=r'got none; .*epoch_9.pth is of an earlier run: name one by --resume CHECKPOINT'):
        start_newest(config(work))
    damage(save(work / 'epoch_10.pth', ME))
    with pytest.raises(ValueError, match=r'got none that can be read; .*epoch_9.pth is of an earlier run.*epoch_10.pth'):
        start_newest(config(work))


def test_a_run_that_was_killed_before_its_first_checkpoint_goes_on_where_it_started(work):
    source = save(work.parent / 'source.pth', OTHER)
    write_record(work, ME, str(source))
    assert start_newest(config(work)) == (str(source.resolve()), (ME,))


def test_without_a_record_the_last_written_counts_and_not_the_largest_number(work):
    older, newer = save(work / 'epoch_9.pth', time='2026-01-01 00:00:00'), save(work / 'epoch_2.pth', OTHER, time='2026-01-02 00:00:00')
    os.utime(older, (1, 1))
    found = start_newest(config(work))
    assert found == (str(newer), (OTHER,))
    newer.unlink()
    found = start_newest(config(work))
    assert found.resumed_from == str(older) and found.runs[0] == '' and len(found.runs) == 2  # a nameless one gets a name


def test_a_renamed_folder_still_leads_to_its_last_checkpoint(work, tmp_path):
    elsewhere = save(tmp_path / 'old/epoch_5.pth', ME)
    write_record(work, ME, None)
    (work / 'last_checkpoint').write_text(str(elsewhere))
    assert start_newest(config(work)) == (str(elsewhere), (ME,))
    (work / 'last_checkpoint').write_text(str(Path('absent.pth')))
    assert start_newest(config(work)) is None
