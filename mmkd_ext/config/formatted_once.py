"""A config whose text is formatted once: mmengine has yapf format a run's config anew for every checkpoint."""

from mmengine.config import Config


class FormattedOnce(Config):
    """A `Config` that keeps its `pretty_text` as long as its content stays the same.

    yapf takes 0.1 to 1 s for a config, and mmengine asks for the text five times before the first step and at every checkpoint.
    """

    @property
    def pretty_text(self) -> str:
        """The text that `Config.pretty_text` gives."""
        content = repr(self._cfg_dict)
        kept = self.__dict__.get('_formatted')
        if kept is None or kept[0] != content:
            kept = content, super().pretty_text
            self.__dict__['_formatted'] = kept  # Config's own assignment would make it a key of the config
        return kept[1]


def formatted_once(cfg: Config) -> Config:
    r"""The same content as a `FormattedOnce`.

    Example:
        >>> cfg = formatted_once(Config(dict(lr=0.1)))
        >>> cfg.pretty_text
        'lr = 0.1\n'
    """
    kept = FormattedOnce.__new__(FormattedOnce)
    kept.__dict__.update(cfg.__dict__)
    return kept
