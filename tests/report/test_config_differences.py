"""The keys in which configs differ, and only those."""

from mmkd_ext.report.config_differences import differences


def test_only_what_differs_is_listed_by_its_dotted_key():
    one = dict(lr=0.1, model=dict(a=dict(b=1, c=2)), hooks=[dict(type='A')], milestones=[1, 2])
    two = dict(lr=0.1, model=dict(a=dict(b=3, c=2)), hooks=[dict(type='A'), dict(type='B')], milestones=[1, 3])
    assert [tuple(row) for row in differences([one, two])] == [
        ('hooks[1].type', ['—', "'B'"]), ('milestones', ['[1, 2]', '[1, 3]']), ('model.a.b', ['1', '3'])]
    assert differences([one, one]) == []


def test_a_distillers_student_is_compared_with_the_network_alone():
    alone, taught = dict(model=dict(depth=8)), dict(model=dict(type='D', student=dict(depth=8), losses=dict(kd=dict(tau=4.0))))
    assert [(row.key, row.values[1]) for row in differences([alone, taught])] == [
        ('model (beside the student).losses.kd.tau', '4.0'), ('model (beside the student).type', "'D'")]


def test_a_long_value_is_cut():
    (row,) = differences([dict(names=list(range(1000))), dict(names=[])])
    assert len(row.values[0]) < 320 and row.values[0].endswith(' ...')
