"""PlainCheckpointHook: checkpoints without functions, so that safe readers take them."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Leave the functions out that a scheduler keeps in its state, before a checkpoint is written.

    mmengine's one-cycle schedules keep how they anneal, which every reader that does not execute code refuses. A scheduler that is
    resumed has its function from its own construction, by `anneal_strategy` of the config.

    Example:
        >>> checkpoint = dict(param_schedulers=[dict(last_step=3, anneal_func=max)])
        >>> PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
        >>> checkpoint
        {'param_schedulers': [{'last_step': 3}]}
    """

    priority = 'LOWEST'  # after every hook that adds to a checkpoint

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Replace the schedulers' states in `checkpoint` by copies without functions."""
        if 'param_schedulers' in checkpoint:
            checkpoint['param_schedulers'] = _without_functions(checkpoint['param_schedulers'])


def _without_functions(state: Any) -> Any:
    if isinstance(state, list):
        return [_without_functions(each) for each in state]
    if type(state) is dict:
        return {key: _without_functions(value) for key, value in state.items() if not callable(value)}
    return state
