"""A nested network is saved with the keys that it has alone."""

from torch import nn

from mmkd_ext.checkpoints.root_keys import saved_as_root


class Renames(nn.Module):
    """As TimmClassifier: its keys begin with `model.`, which it leaves out as a root."""

    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self._register_state_dict_hook(_short)


def _short(module, destination, prefix, _):
    if not prefix:
        for key in list(destination):
            destination[key.removeprefix('model.')] = destination.pop(key)


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.student, self.helper = Renames(), nn.Linear(1, 1)


def test_the_entries_are_those_of_the_network_as_a_root():
    holder = Holder()
    state = holder.state_dict()
    assert 'student.model.0.weight' in state
    saved_as_root(state, holder.student, 'student.', 'net.')
    alone = holder.student.state_dict()
    assert list(alone)[0] == '0.weight' and list(state) == ['helper.weight', 'helper.bias', *(f'net.{key}' for key in alone)]
    assert all(state[f'net.{key}'].equal(value) for key, value in alone.items())


def test_versions_of_layers_go_along_and_the_old_ones_stay():
    holder = Holder()
    state = holder.state_dict()
    saved_as_root(state, holder.student, 'student.', '')
    assert state._metadata['model.1'] == state._metadata['student.model.1'] == {'version': 2}


def test_parameters_stay_parameters_where_they_were_asked_for():
    holder = Holder()
    for keep in (True, False):
        state = holder.state_dict(keep_vars=keep)
        saved_as_root(state, holder.student, 'student.', '')
        assert (state['0.weight'] is holder.student.model[0].weight) is keep
