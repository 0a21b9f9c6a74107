"""`--cfg-options KEY=VALUE ...` of every command line."""

import argparse
from typing import Any

from mmengine.config import DictAction


class OptionsAction(DictAction):
    """mmengine's action, which says which option cannot be read."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Add options to those read before.

        Raises:
            ValueError: One without a key, a `=` or balanced brackets.
        """
        for each in values or ():
            key, sign, _ = each.partition('=')
            if not sign or not all(part.strip() for part in key.split('.')):
                raise ValueError(
                    f'{option_string} needs KEY=VALUE, such as train_cfg.max_epochs=3, got {each!r}. Look at the spaces around it.')
            try:
                super().__call__(parser, namespace, [each], option_string)
            except (AssertionError, ValueError) as error:
                raise ValueError(f'{option_string} needs KEY=VALUE with balanced brackets, got {each!r}: {error}.') from error
