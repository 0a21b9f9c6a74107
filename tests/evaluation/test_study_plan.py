"""A study's file, and the config of each of its runs."""

import pytest
from mmengine.config import Config
from support.runs import TESKD, write_config

from mmkd_ext.evaluation.study_plan import load_plan, variant_config


def test_a_plain_variant_is_the_same_run_without_the_helpers(tmp_path):
    config = str(write_config(tmp_path, TESKD))
    options = {'train_cfg.max_epochs': 4, 'model.backbone.depth': 34}
    plain, teskd = (
        Config.fromfile(variant_config(dict(config=config, options=options, **extra), tmp_path / name))
        for name, extra in (('plain', dict(plain=True)), ('teskd', {}))
    )
    assert plain.model.head.type == 'LinearClsHead' and plain.model.neck.type == 'GlobalAveragePooling'
    assert plain.model.backbone == {**teskd.model.backbone, 'out_indices': (3,)} and plain.model.backbone.depth == 34
    assert teskd.model.head.type == 'mmkd_ext.TESKDHead' and teskd.train_cfg.max_epochs == 4
    rest = [{k: v for k, v in cfg.to_dict().items() if k != 'model'} for cfg in (plain, teskd)]
    assert rest[0] == rest[1]


def test_a_study_of_other_data_inherits_the_variants(tmp_path):
    (tmp_path / 'first.py').write_text(
        "study = dict(metric='m', seeds=[0], config='a.py', variants=dict(x=dict(plain=True), y=dict(config='own.py')))\n")
    (tmp_path / 'second.py').write_text("_base_ = 'first.py'\nstudy = dict(config='b.py')\n")
    for name, config in (('first', 'a.py'), ('second', 'b.py')):
        variants = load_plan(tmp_path / f'{name}.py').variants
        assert {key: variant.config for key, variant in variants.items()} == dict(x=config, y='own.py')
        assert variants.x.plain


@pytest.mark.parametrize('extra', [
    'options=5', 'also=5', 'differences=5', 'teachers=5', "differences=['a']", "unit='percents'", 'same_start=5',
    "teachers={'../x': dict(config='c.py')}", "teachers={'': dict(config='c.py')}", "variants=dict(a=dict(config='c.py', options=5))",
    "variants=dict(a=dict(config='c.py', plain='maybe'))", "metric=''", "diferences=dict(a='b')",
    "variants=dict(a=dict(config='c.py', plan=True))",
    "variants=dict(a=dict(config='c.py', before=dict(config='c.py', option='a', seed=3)))", "teachers=dict(t=dict(config='c.py', seed=3))",
    'variants=dict(a=dict(config=5))', "variants={1: dict(config='c.py')}", "variants={'../x': dict(config='c.py')}"])
def test_a_study_of_other_types_is_one_sentence(tmp_path, extra):
    good = "study = dict(variants=dict(a=dict(config='c.py')), seeds=[0], metric='accuracy/top1')\n"
    (tmp_path / 'good.py').write_text(good)
    assert load_plan(tmp_path / 'good.py').metric == 'accuracy/top1'
    (tmp_path / 'study.py').write_text(f'{good}study.update({extra})\n' if not extra.startswith(("teachers={", "variants={")) else (
        f'{good}study.update(dict({extra}))\n'))
    with pytest.raises(ValueError, match='needed, got|needs .* got|takes .* got .* which nobody reads') as raised:
        load_plan(tmp_path / 'study.py')
    assert 'study.py' in str(raised.value)
