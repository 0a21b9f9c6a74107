"""Networks and what hangs on them."""

from . import backbones, heads, necks
from .backbones import *  # noqa: F403
from .heads import *  # noqa: F403
from .necks import *  # noqa: F403
from .outputs import Outputs

__all__ = ['Outputs', *backbones.__all__, *heads.__all__, *necks.__all__]
