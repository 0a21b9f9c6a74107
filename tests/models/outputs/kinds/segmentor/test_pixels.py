"""Pixels of a decode head's grid: which labels they have, what is read there, and label maps that are refused."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from torch import nn

from mmkd_ext.models.outputs.kinds.segmentor.pixels import (
    HeadPass,
    Pixels,
    check_label_maps,
    labelled,
    labels_at,
    watching_head,
)


def sample(labels):
    return SimpleNamespace(gt_sem_seg=PixelData(data=torch.as_tensor(labels)[None]), get=lambda key: f'{key}.png')


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('size', 'whole'), [((3, 5), (12, 20)), ((4, 4), (13, 9)), ((1, 2), (5, 6))])
def test_a_cell_has_the_label_of_the_pixel_that_is_nearest_to_where_it_lies(size, whole, align_corners, rng):
    labels = torch.randint(9, (2, *whole), generator=rng)
    found = labels_at([sample(each) for each in labels], size, align_corners)
    for n in range(2):
        for i in range(size[0]):
            for j in range(size[1]):
                places = []
                for k, cells, pixels in ((i, size[0], whole[0]), (j, size[1], whole[1])):
                    if align_corners and cells > 1:
                        places.append(round(k * (pixels - 1) / (cells - 1)))
                    else:  # its middle, counted from the border of the image
                        places.append(int((k + 0.5) * pixels / cells))
                assert found[n, i, j] == labels[n, places[0], places[1]]


def test_pixels_without_a_class_are_none():
    labels = torch.tensor([[[0, 255], [2, 1]], [[3, -1], [7, 0]]])
    assert labelled(labels, 3, 255).tolist() == [0, 2, 3, 7] and labelled(labels, 3, 0).tolist() == [2, 3]
    assert labelled(labels, 4, None).tolist() == [0, 2, 3, 4, 7]


def test_a_map_is_read_at_the_pixels_and_resized_to_their_grid_first(rng):
    x, index = torch.randn(2, 3, 4, 5, generator=rng), torch.tensor([0, 7, 19, 20, 39])
    rows = Pixels((4, 5), index).of(x, False)
    for row, place in zip(rows, index.tolist(), strict=True):
        assert torch.equal(row, x[place // 20, :, place % 20 // 5, place % 5])
    assert torch.equal(Pixels().of(x, False), torch.stack([x[n, :, i, j] for n in range(2) for i in range(4) for j in range(5)]))
    for align_corners in (False, True):
        larger = F.interpolate(x, (8, 10), mode='bilinear', align_corners=align_corners)
        index = torch.tensor([3, 80, 159])
        expected = [larger[n, :, i, j] for n, i, j in ((0, 0, 3), (1, 0, 0), (1, 7, 9))]
        torch.testing.assert_close(Pixels((8, 10), index).of(x, align_corners), torch.stack(expected))


class Head(nn.Module):
    def __init__(self, scores=2, after=lambda x: x, times=1):
        super().__init__()
        self.conv_seg, self.after, self.times = nn.Conv2d(3, scores, 1), after, times

    def forward(self, x):
        for _ in range(self.times):
            out = self.conv_seg(x)
        return self.after(out)


def test_a_head_is_watched_and_nothing_stays_on_it(rng):
    x, head = torch.randn(1, 3, 2, 2, generator=rng), Head(after=lambda out: (out, 1.0))
    with watching_head(head) as seen:
        out, _ = head(x)
    assert seen.entered is x and seen.scores is out
    assert 'forward' not in vars(head) and not head.conv_seg._forward_hooks


def test_one_score_for_two_classes_becomes_two_whose_softmax_is_its_sigmoid(rng):
    x, head = torch.randn(1, 3, 2, 2, generator=rng), Head(scores=1)
    with watching_head(head) as seen:
        out = head(x)
    torch.testing.assert_close(seen.scores.softmax(dim=1)[:, 1:], out.sigmoid())


@pytest.mark.parametrize(('head', 'times'), [(Head(after=lambda x: 2 * x), 1), (Head(times=2), 2), (Head(times=0, after=None), 0)])
def test_a_head_that_makes_something_else_of_its_scores_is_refused(head, times):
    if not times:
        head.forward = lambda x: x
    with pytest.raises(ValueError, match=f'those of its conv_seg, got a Head, which runs it {times} times'), watching_head(head):
        head(torch.zeros(1, 3, 2, 2))
    assert isinstance(HeadPass('x'), HeadPass)


def test_a_label_that_is_no_class_is_refused_with_its_file():
    good, bad = sample([[0, 2], [255, 1]]), sample([[0, 3], [255, 1]])
    check_label_maps(3, 255, nn.Identity(), (dict(data_samples=[good]), True), {})
    check_label_maps(3, 255, nn.Identity(), (dict(data_samples=[bad]),), {'training': False})
    with pytest.raises(ValueError, match=r'in 0\.\.2, or 255 for pixels without one, are needed, got 3 in seg_map_path.png'):
        check_label_maps(3, 255, nn.Identity(), (dict(data_samples=[good, bad]),), {'training': True})
    with pytest.raises(ValueError, match=r'in 0\.\.2 are needed, got 255'):
        check_label_maps(3, None, nn.Identity(), (dict(data_samples=[good]), True), {})
