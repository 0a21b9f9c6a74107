"""Inside a command, whatever library reads a file, nothing that it holds is executed."""

import os
import pickle
from contextlib import nullcontext
from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from mmengine.fileio.handlers.registry_utils import file_handlers
from support.crafted_files import KINDS, Call, crafted

from mmkd_ext.checkpoints.safe_loading import files_are_data


@pytest.mark.parametrize('kind', KINDS)
def test_a_pickle_of_annotations_is_read_as_data(tmp_path, kind):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(crafted(tmp_path / 'executed')[kind], protocol=2))
    (tmp_path / 'good.pkl').write_bytes(pickle.dumps([dict(box=np.ones(4), score=torch.tensor([0.5]))]))
    with files_are_data():
        with pytest.raises(ValueError, match='cannot be used'):
            mmengine.load(str(tmp_path / 'a.pkl'))
        assert mmengine.load(str(tmp_path / 'good.pkl'))[0]['box'].tolist() == [1, 1, 1, 1]
    assert not (tmp_path / 'executed').exists()


def test_what_any_library_reads_inside_a_command_is_weights_only(tmp_path):
    torch.save(Call(Path.touch, tmp_path / 'executed'), tmp_path / 'a.pth')
    with files_are_data(), pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'a.pth', weights_only=False)
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('fails', [False, True])
@pytest.mark.parametrize('before', [None, '0'])
def test_afterwards_the_process_is_as_it_was(tmp_path, monkeypatch, fails, before):
    monkeypatch.delenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', raising=False)
    if before is None:
        monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    else:
        monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', before)
    environment, handlers = dict(os.environ), dict(file_handlers)
    with pytest.raises(KeyError) if fails else nullcontext(), files_are_data():
        assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1' and file_handlers != handlers
        mmengine.dump([1, 'a'], str(tmp_path / 'a.pkl'))
        assert mmengine.load(str(tmp_path / 'a.pkl')) == [1, 'a']
        if fails:
            raise KeyError
    assert dict(os.environ) == environment and file_handlers == handlers
