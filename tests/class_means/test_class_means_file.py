"""The file of class means and what stands beside it."""

import torch

from mmkd_ext.class_means.class_means_file import load_class_means, save_class_means
from mmkd_ext.files.partial_files import opened_partial


def test_what_killed_writers_left_is_removed_when_a_file_is_read_too(tmp_path):
    save_class_means(tmp_path / 'a.pth', torch.ones(2, 3), torch.ones(2), {})
    left, live = tmp_path / '.b.pth.1.mmkd-partial', tmp_path / '.c.pth.2.mmkd-partial'
    left.write_bytes(b'half')
    with opened_partial(live):
        means, _ = load_class_means(tmp_path / 'a.pth', {})
        assert not left.exists() and live.exists()
    assert torch.equal(means, torch.ones(2, 3))
