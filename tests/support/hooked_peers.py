"""Two students of one kind that learn from each other, for what a hook does to each of them."""

import torch

PEERS = dict(type='mmkd_ext.MutualLearningLoss', loss_weight=0.0)


def mutual(student, kind='mmkd_ext.MutualLearningDistiller', size=16):
    model = dict(type=kind, students=dict(a=student, b=student), losses=dict(peers=PEERS), input_size=size)
    own = student.get('data_preprocessor')  # the model's is the config's, which goes before a student's, or this
    return dict(model, data_preprocessor=own) if own else model


def begin_alike(folder):
    """Both networks begin with the weights of the student alone."""
    alone = torch.load(folder / 'start.pth', weights_only=True)['state_dict']
    (folder / 'mutual').mkdir(exist_ok=True)
    torch.save(
        dict(state_dict={f'networks.{name}.{key}': x for name in 'ab' for key, x in alone.items()}), folder / 'mutual' / 'start.pth')
    return folder / 'mutual'


def of(name, state):
    """A network's part of a checkpoint's entry, an average's too."""
    return {key.replace(f'networks.{name}.', ''): x for key, x in state.items() if f'networks.{name}.' in key or key == 'steps'}
