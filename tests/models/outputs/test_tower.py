"""Tower: some of its maps, and the same without gradient."""

import torch

from mmkd_ext.models.outputs.tower import Tower


def tower(rng):
    features = tuple(torch.randn(2, 4, side, side, generator=rng, requires_grad=True) for side in (4, 2, 1))
    convs = tuple(torch.nn.Conv2d(4, 6, 1) for _ in features)
    return Tower(features, tuple(conv(x) for conv, x in zip(convs, features, strict=True)), convs)


def test_maps_are_chosen_by_their_places_in_the_order_asked(rng):
    whole = tower(rng)
    some = whole.at([2, 0])
    assert [x.shape[-1] for x in some.features] == [x.shape[-1] for x in some.scores] == [1, 4]
    for found, place in zip(zip(*some, strict=True), (2, 0), strict=True):
        assert all(mine is its for mine, its in zip(found, (each[place] for each in whole), strict=True))
    assert whole.at([]) == ((), (), ()) and len(whole.features) == 3


def test_an_end_still_makes_the_scores_of_the_features_and_passes_a_gradient_on(rng):
    whole = tower(rng)
    still = whole.detached()
    assert not any(x.requires_grad for x in (*still.features, *still.scores)) and whole.features[0].requires_grad
    for end, feature, scores in zip(still.ends, still.features, still.scores, strict=True):
        torch.testing.assert_close(end(feature), scores)
    student = torch.randn(2, 4, 4, 4, generator=rng, requires_grad=True)
    still.ends[0](student).sum().backward()
    assert student.grad.abs().sum() > 0 and whole.features[0].grad is None
