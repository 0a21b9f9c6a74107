"""bfloat16 autocast on a CPU: what computes in it, what does not, and the weights."""

import torch

from mmkd_ext.optim.cpu_amp import CPUAmpOptimWrapper


def test_the_cpu_wrapper_computes_in_bfloat16_and_keeps_float32_weights():
    layer = torch.nn.Linear(4, 3)
    wrapper = CPUAmpOptimWrapper(optimizer=torch.optim.SGD(layer.parameters(), lr=0.1))
    before = layer.weight.detach().clone()
    with wrapper.optim_context(layer):
        out = layer(torch.ones(2, 4))
    assert out.dtype is torch.bfloat16
    wrapper.update_params(out.float().sum())
    assert layer.weight.dtype is torch.float32 and not torch.equal(layer.weight, before)
