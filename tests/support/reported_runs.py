"""Work dirs of runs that were never trained, as `mmkd train` leaves them: config, log, a checkpoint of random weights."""

import json

import torch
from support.distillation_runs import extra
from support.run_logs import train_line
from support.runs import write_config

from mmkd_ext.config.load_config import load_config
from mmkd_ext.models.build import build_model

START = '20260101_000000'


def write_start(folder, cfg, records, start=START):
    """A start of a run: its config and what it logged."""
    place = folder / start / 'vis_data'
    place.mkdir(parents=True)
    cfg.dump(str(place / 'config.py'))
    if records:
        (place / 'scalars.json').write_text(''.join(json.dumps(each) + '\n' for each in records))


def log_of(accuracies, **terms):
    """Two iterations an epoch, then its validation."""
    return [line for epoch, (top1, beside) in enumerate(accuracies, start=1) for line in (
        train_line(2 * epoch - 1, epoch, **terms), train_line(2 * epoch, epoch, **terms),
        {'accuracy/top1': top1, **beside, 'time': 0.1, 'step': epoch})]


def made_run(folder, config, seed, accuracies, beside=None, checkpoint=True, **terms):
    """A run of `config` in `folder`; `accuracies` of its epochs, and metrics `beside` each."""
    cfg = load_config(str(config))
    cfg.work_dir, cfg.randomness = str(folder), {'seed': seed}
    folder.mkdir(parents=True)
    cfg.dump(str(folder / 'config.py'))
    write_start(folder, cfg, log_of([(each, beside or {}) for each in accuracies], **terms))
    (folder / 'run.json').write_text('{"run": "x"}')
    if checkpoint:
        torch.manual_seed(seed)
        model = build_model(cfg)
        torch.save({'state_dict': model.state_dict(), 'meta': {}, 'message_hub': {}}, folder / f'epoch_{len(accuracies)}.pth')
    return folder


NAMES = ('<script>alert(0)</script>', 'b&<i>', '$x^$', '"quoted"', "it's", 'a_b', '{{ 7 * 7 }}', '</table>', 'Überzug', '9')


def distillation(root):
    """Of digits with names that are no plain words: two seeds alone, two distilled by a frozen teacher of random weights."""
    names = f'val_dataloader = dict(dataset=dict(indices=16, metainfo=dict(classes={NAMES!r})))\n'
    taught = write_config(root, extra(root).replace('val_dataloader = dict(dataset=dict(indices=16))\n', names))
    plain = write_config(root, f'train_dataloader = dict(batch_size=16, dataset=dict(samples_per_class=4))\n{names}')
    for seed, alone, distilled in ((0, 50.0, 53.0), (1, 60.0, 61.0)):
        made_run(root / f'runs/alone_seed{seed}', plain, seed, [40.0, alone + 5, alone])
        made_run(root / f'runs/kd_seed{seed}', taught, seed, [40.0, 41.0, distilled], {'teacher/accuracy/top1': 70.0},
                 loss_kd=0.5, kd_unweighted=0.25)  # fmt: skip
        (root / f'runs/kd_seed{seed}/adapters.txt').write_text('loss  where\nnd    embedding <32>\n')
    return root


class FewImages:
    """A data set that only lists images, with a box in each."""

    metainfo = {'classes': ('a', 'b')}

    def __init__(self, count, folder='/x'):
        self.count, self.folder = count, folder

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return i

    def get_data_info(self, i):
        boxes = [dict(bbox=[1.0, 2.0, 30.0, 40.0], bbox_label=1), dict(bbox=[0.0, 0.0, 5.0, 5.0], bbox_label=0, ignore_flag=1)]
        return dict(img_path=f'{self.folder}/{i}.png', instances=boxes)
