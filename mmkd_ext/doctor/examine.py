"""All findings about a config's run, in the order in which they are read."""

from mmengine.config import Config

from .cost_rows import cost_rows
from .data_rows import data_rows, image_rows
from .gradients import measured
from .loss_rows import loss_rows
from .parameter_rows import parameter_rows
from .patient import admitted
from .rows import Row
from .teacher_rows import teacher_rows


def examine(cfg: Config, batches: int, device: str) -> list[Row]:
    """Look at a run on a few of its training batches; the config, the random state and the disk stay as they are.

    Args:
        cfg: As tools/train.py makes it, with a work dir that goes away.
        batches: How many.
        device: Such as 'cpu'.

    Raises:
        ValueError: A config whose run would not start, as the checks before a run say it.
    """
    with admitted(cfg, batches, device) as patient:
        images = image_rows(patient)
        if not patient.batches:
            return [*images, *data_rows(patient)]
        rows = [*images, *teacher_rows(patient), *data_rows(patient), *loss_rows(patient, measured(patient))]
        return [*rows, *parameter_rows(patient), *cost_rows(patient)]  # after a backward pass
