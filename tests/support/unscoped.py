"""Configs compared with those of the zoo, key by key."""


def bare(cfg):
    """Without the scopes that mmengine notes where a base is mmdet's."""
    if isinstance(cfg, dict):
        return {key: bare(each) for key, each in cfg.items() if key != '_scope_'}
    return [bare(each) for each in cfg] if isinstance(cfg, list | tuple) else cfg
