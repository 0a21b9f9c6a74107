"""Map losses in two-stage detection: the terms are their formulas in plain Python on both FPNs' maps."""

import copy

import pytest
import torch
from support.detection import distiller, raw, read, teacher_of, tiny
from witnesses.naive_maps import naive_cwd, naive_mgd, naive_pkd

pytestmark = pytest.mark.det
LOSSES = dict(
    pkd=dict(type='mmkd_ext.PKDLoss', loss_weight=6.0), cwd=dict(type='mmkd_ext.CWDLoss', tau=2.0, loss_weight=10.0),
    mgd=dict(type='mmkd_ext.MGDLoss', mask_ratio=0.45, loss_weight=5e-3),
    few=dict(type='mmkd_ext.PKDLoss', student_stages=[1, 2], teacher_stages=[1, 2]))


def test_the_terms_are_the_formulas_on_the_fpns_maps(rng):
    wide = tiny(width=16, embedding=48)
    wide['neck'].update(out_channels=24)  # other than the student's 16
    for part in ('rpn_head', 'roi_head'):
        head = wide[part] if part == 'rpn_head' else wide[part]['bbox_head']
        head.update(in_channels=24)
    wide['roi_head']['bbox_roi_extractor'].update(out_channels=24)
    model = distiller(tiny(), teacher_of(wide), LOSSES).train()
    inputs, samples = read(model, raw(rng))
    student = copy.deepcopy(model.student)
    with torch.no_grad():
        mine, theirs = student.extract_feat(inputs), model.teachers['teacher'].network.eval().extract_feat(inputs)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    terms = model.loss(inputs, samples)
    assert len(mine) == len(theirs) == 5 and [x.shape[1] for x in (mine[0], theirs[0])] == [16, 24]

    def adapted(name):
        return [adapter(x).detach() for adapter, x in zip(model.distill[name].adapters, mine, strict=True)]

    expected = 6 * sum(naive_pkd(s.double(), t.double()) for s, t in zip(adapted('pkd'), theirs, strict=True))
    torch.testing.assert_close(terms['loss_pkd'].double(), expected, rtol=1e-4, atol=0)
    expected = 10 * sum(naive_cwd(s.double(), t.double(), 2.0) for s, t in zip(adapted('cwd'), theirs, strict=True))
    torch.testing.assert_close(terms['loss_cwd'].double(), expected, rtol=1e-4, atol=0)
    few = [adapter(mine[i]).detach() for adapter, i in zip(model.distill['few'].adapters, (1, 2), strict=True)]
    expected = sum(naive_pkd(s.double(), t.double()) for s, t in zip(few, theirs[1:3], strict=True))
    torch.testing.assert_close(terms['loss_few'].double(), expected, rtol=1e-4, atol=0)

    # the student's sampler draws before the masks: what is generated is recorded, and the formula is by hand
    generated = []
    hooks = [each.register_forward_hook(lambda _, __, y: generated.append(y.detach())) for each in model.distill['mgd'].generators]
    torch.set_rng_state(state)
    again = model.loss(inputs, samples)
    assert torch.equal(again['loss_mgd'], terms['loss_mgd'])  # masks and samples follow torch's generator
    expected = 5e-3 * sum(naive_mgd(s.double(), t.double()) for s, t in zip(generated, theirs, strict=True))
    torch.testing.assert_close(terms['loss_mgd'].double(), expected, rtol=1e-4, atol=0)
    for hook in hooks:
        hook.remove()

    model.parse_losses(terms)[0].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.distill.parameters())
    assert all(p.grad is None for p in model.teachers['teacher'].network.parameters())
    rows = model.adapter_table.splitlines()
    assert sum('conv 1x1 (16, 24)' in row for row in rows) == 5 + 5 + 5 + 2
