"""ChannelsLastHook: the images' order in memory, and nothing else, is another one."""

from types import SimpleNamespace

import pytest
import torch
from support.offline import batch, distiller

from mmkd_ext.hooks import ChannelsLastHook


def step(rng, hooked, wrapped=False):
    """Loss, gradients and the order of the images and of the student's first map in memory, of one step in float64."""
    model, hook, seen = distiller(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0))).double().train(), ChannelsLastHook(), []
    runner = SimpleNamespace(model=model)
    if wrapped:
        torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
        from mmengine.model import MMDistributedDataParallel
        runner.model = MMDistributedDataParallel(model)
    if hooked:
        hook.before_train(runner)
    model.student.backbone.conv1.register_forward_hook(lambda _, args, out: seen.extend([args[0], out]))
    data = model.data_preprocessor(batch(rng), True)
    data['inputs'] = data['inputs'].double()
    model.parse_losses(model(**data, mode='loss'))[0].backward()
    hook.after_train(runner)
    return model, seen


@pytest.mark.parametrize('wrapped', [False, True], ids=['alone', 'ddp'])
def test_only_the_order_in_memory_changes(wrapped):
    try:
        (plain, before), (ours, after) = (step(torch.Generator().manual_seed(1), hooked, hooked and wrapped) for hooked in (False, True))
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    assert all(x.is_contiguous() for x in before)
    assert all(x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous() for x in after)
    for (name, one), (other, two) in zip(plain.named_parameters(), ours.named_parameters(), strict=True):
        assert name == other and one.stride() == two.stride() and one.grad.stride() == two.grad.stride()
        torch.testing.assert_close(one.grad, two.grad)
    for one, two in zip(plain.state_dict().values(), ours.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)


def test_a_run_that_ended_leaves_the_preprocessor_as_it_was(rng):
    model, hook = distiller(losses=dict(kd=dict(type='mmkd_ext.KDLoss', tau=4.0))), ChannelsLastHook()
    hook.after_train(SimpleNamespace(model=model))  # without a start
    hook.before_train(SimpleNamespace(model=model))
    hook.after_train(SimpleNamespace(model=model))
    assert model.data_preprocessor(batch(rng), True)['inputs'].is_contiguous()


def test_what_is_no_batch_of_images_passes_as_it_is():
    hook, preprocessor = ChannelsLastHook(), torch.nn.Identity()
    hook.before_train(SimpleNamespace(model=SimpleNamespace(data_preprocessor=preprocessor)))
    several = dict(inputs=[torch.zeros(3, 4, 4)])
    assert preprocessor(several) is several and several['inputs'][0].is_contiguous()
    assert preprocessor(dict(inputs=torch.zeros(2, 5)))['inputs'].shape == (2, 5)


@pytest.mark.det
def test_regions_of_a_detector_and_of_its_teacher_are_pooled_from_maps_in_the_usual_order(rng):
    """On a CPU RoIAlign takes every map for one in the usual order, and would pool other places without a word."""
    from support.detection import distiller as detectors
    from support.detection import teacher_of, tiny

    model = detectors(tiny(), teacher_of(tiny('faster', 16, 48)), dict(kd=dict(type='mmkd_ext.KDLoss', tau=2.0)), input_size=64)
    hook, runner = ChannelsLastHook(), SimpleNamespace(model=model)
    maps = [torch.randn(2, 16, side, side, generator=rng) for side in (16, 8, 4, 2)]
    turned = [x.contiguous(memory_format=torch.channels_last) for x in maps]
    rois = torch.tensor([[0, 3.0, 5, 40, 30], [1, 8, 2, 50, 60]])
    for detector in (model.student, model.teachers['teacher'].network):
        extractor = detector.roi_head.bbox_roi_extractor
        right, wrong = extractor(maps, rois), extractor(turned, rois)
        assert not torch.allclose(right, wrong)  # what the hook is to mend
        hook.before_train(runner)
        torch.testing.assert_close(extractor(turned, rois), right, rtol=0, atol=0)
        hook.after_train(runner)
        assert torch.equal(extractor(turned, rois), wrong)
