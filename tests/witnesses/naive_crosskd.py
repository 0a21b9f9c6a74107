"""CrossKD by its formula, in Python's own numbers, of scores (N, A * K, H, W) of each map."""

from math import exp, log

from torch import Tensor


def naive_crosskd(crossed: list[Tensor], teacher: list[Tensor], beta: float) -> float:
    total = sure = 0.0
    for s_map, t_map in zip(crossed, teacher, strict=True):
        places = (x.permute(0, 2, 3, 1).flatten(0, 2).tolist() for x in (s_map, t_map))
        for s_place, t_place in zip(*places, strict=True):
            certain = [1 / (1 + exp(-t)) for t in t_place]
            for s, q in zip(s_place, certain, strict=True):
                p = 1 / (1 + exp(-s))
                total += abs(q - p) ** beta * (-q * log(p) - (1 - q) * log(1 - p))
            sure += max(certain)
    return total / sure
