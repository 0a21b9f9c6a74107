"""Inside a command, whatever library reads a file, nothing that it holds is executed."""

import pickle
from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from support.crafted_files import KINDS, Call, crafted

from mmkd_ext.checkpoints.files_as_data import files_are_data


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
