"""A frozen network and the reading of its outputs, or of its features, under torch.compile. N samples."""

from contextlib import ExitStack
from logging import WARNING

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmkd_ext.models.outputs.features import features_of
from mmkd_ext.models.outputs.outputs import Outputs
from mmkd_ext.models.outputs.recording import recording


class _Compiled:
    """What a frozen network is asked, compiled; as it is where that fails."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._call = torch.compile(self._eager)
        self.failed = False

    def __call__(self, inputs: Tensor, eagerly: bool = False) -> Outputs:
        """Run the network once."""
        if eagerly or self.failed:
            return self._eager(inputs)
        try:
            return self._call(inputs)
        except Exception as error:  # whatever the compiler met, the network may still run without it
            self._forget()
            self.failed = True
            reason = f'{type(error).__name__}: {error}'.strip().splitlines()[0].rstrip('.')
            print_log(f'The teacher {self.name} runs without torch.compile, which failed: {reason}.', 'current', WARNING)
            return self._eager(inputs)

    def _eager(self, inputs: Tensor) -> Outputs:
        raise NotImplementedError

    def _forget(self) -> None:
        """Make ready for another pass after one that failed."""


class CompiledRecording(_Compiled):
    """A frozen classifier and the reading of its outputs, compiled as one; as they are where that fails.

    Args:
        network: It is watched for good, so it should be nobody else's.
        name: Its name, for the warning.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__(name)
        self.network = network
        self._watch = ExitStack()  # kept, since its end would be the watching's
        self._record = self._watch.enter_context(recording(network))  # hooks that come later the compiler would not see

    def _eager(self, inputs: Tensor) -> Outputs:
        self.network(inputs)
        outputs = self._record.outputs()
        self._forget()
        return outputs

    def _forget(self) -> None:
        self._record.forget()


class CompiledFeatures(_Compiled):
    """`features_of` a frozen network, compiled; as it is where that fails.

    Args:
        network: See `features_of`.
        name: Its name, for the warning.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__(name)
        self.network = network

    def _eager(self, inputs: Tensor) -> Outputs:
        return features_of(self.network, inputs)
