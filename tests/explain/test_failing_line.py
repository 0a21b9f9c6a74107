"""An error that says too little is told with its line and the values there."""

from mmkd_ext.explain.failing_line import failing_line


class Head:
    def __init__(self, num_classes, depth=(1, 2)):
        self.num_classes = num_classes
        if self.num_classes <= 0:
            raise ValueError('needed more')
        assert max(depth) < num_classes


def raised(*args):
    try:
        Head(*args)
    except Exception as error:
        return error
    raise AssertionError('nothing was raised')


def test_the_line_and_what_it_met():
    assert failing_line(raised(2)) == ' (`max(depth) < num_classes`, where num_classes=2, depth=(1, 2))'
    assert failing_line(raised('ten')) == " (`self.num_classes <= 0`, where self.num_classes='ten')"
    assert failing_line(raised(2, 'x' * 200)) == ' (`max(depth) < num_classes`, where num_classes=2)'


def test_a_raise_and_code_without_a_file_have_no_line():
    assert failing_line(raised(-1)) == ''
    assert failing_line(ValueError('never raised')) == ''
    try:
        exec('assert 1 > 2')
    except AssertionError as error:
        assert failing_line(error) == ''
