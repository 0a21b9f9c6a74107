"""The record of a journey: read as it was written, or not at all."""

import pytest

from mmkd_ext.report.journey_record import read_journey, record_file, record_text


def test_what_was_written_is_read(tmp_path):
    record_file(tmp_path).parent.mkdir()
    record_file(tmp_path).write_text(record_text('mmkd distill --data x', ['a'], ['runs/b']))
    assert read_journey(tmp_path) == ('mmkd distill --data x', ['a'], ['runs/b'])


@pytest.mark.parametrize('content', ['', '[]', '{"command": 1}', '{"command": "a", "remarks": 3, "runs": []}', '\0'])
def test_what_is_none_is_none(tmp_path, content):
    assert read_journey(tmp_path) is None
    record_file(tmp_path).parent.mkdir()
    record_file(tmp_path).write_text(content)
    assert read_journey(tmp_path) is None
