"""Optimizer wrappers: bfloat16 mixed precision on a CPU."""

from .cpu_amp import CPUAmpOptimWrapper

__all__ = ['CPUAmpOptimWrapper']
