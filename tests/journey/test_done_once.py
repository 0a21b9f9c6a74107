"""A step is done once; another origin or a missing file makes it be done again; a killed one goes on."""

import pytest

from mmkd_ext.journey.done_once import DoneOnce, origin_of


def test_a_step_is_done_once_and_goes_on_after_it_was_killed(tmp_path):
    calls, said = [], []
    records = DoneOnce(tmp_path / 'steps', said.append)
    made = tmp_path / 'made.txt'

    def work(goes_on):
        calls.append(goes_on)
        if len(calls) == 1:
            raise KeyboardInterrupt
        made.write_text('x')
        return {'files': [str(made)], 'number': len(calls)}

    with pytest.raises(KeyboardInterrupt):
        records.do('one', 'a', work)
    assert records.do('one', 'a', work)['number'] == 2 and calls == [False, True]
    assert records.do('one', 'a', work)['number'] == 2 and calls == [False, True] and 'kept' in said[-1]
    made.unlink()
    assert records.do('one', 'a', work)['number'] == 3 and calls[-1] is False
    assert records.do('one', 'b', work)['number'] == 4 and 'other settings' in said[-2]
    (tmp_path / 'steps/one.json').write_text('{"origin": "b", ')  # a damaged record counts for nothing
    assert records.do('one', 'b', work)['number'] == 5


def test_a_step_that_was_killed_under_other_settings_starts_anew(tmp_path):
    records = DoneOnce(tmp_path, lambda text: None)
    with pytest.raises(KeyboardInterrupt):
        records.do('one', 'a', lambda goes_on: (_ for _ in ()).throw(KeyboardInterrupt))
    assert records.do('one', 'b', lambda goes_on: {'goes_on': goes_on}) == {'goes_on': False}


def test_an_origin_depends_on_every_part():
    assert origin_of('a', {'x': 1}) == origin_of('a', {'x': 1}) and len({origin_of('a', 1), origin_of('a', 2), origin_of('b', 1)}) == 3
