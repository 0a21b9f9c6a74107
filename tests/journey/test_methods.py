"""What each method adds to a student: losses and hooks."""

from mmkd_ext.journey.methods import losses_of


def test_the_deepest_stages_are_paired():
    loss = losses_of('reviewkd', (5, 4))['kd']
    assert loss['student_stages'] == (1, 2, 3, 4) and loss['teacher_stages'] == (0, 1, 2, 3)
    assert 'student_stages' not in losses_of('reviewkd', (4, 4))['kd'] and set(losses_of('dkd++')) == {'kd', 'nd'}
