"""The contract for losses: every one of ours keeps it, and one of a user's own file is trained, warmed up, logged, resumed and exported."""

import doctest
import sys

import pytest
import torch
from mmengine.registry import DefaultScope
from support.copies import in_copy
from support.distillation_runs import TEACHER, extra, logged, run
from support.runs import one_error
from torch import nn

from mmkd_ext import losses as package
from mmkd_ext.checkpoints.checkpoint_files import read_checkpoint
from mmkd_ext.commands import export_student, test
from mmkd_ext.losses import ClassMeansLoss, DistillationLoss, base
from mmkd_ext.models import OfflineDistiller, Outputs
from mmkd_ext.models.outputs.kinds.two_stage.kind import check_regions
from mmkd_ext.registry import MODELS

# Twelve lines beside a config, by somebody who read nothing but the contract.
ANGLE = """
import torch
from torch import nn
from mmkd_ext.losses import DistillationLoss
from mmkd_ext.registry import MODELS

@MODELS.register_module(force=True)
class AngleLoss(DistillationLoss):
    compares = 'embedding'
    def build_for(self, student, teacher):
        self.adapter = nn.Linear(student.embedding.shape[1], teacher.embedding.shape[1])
        return [('embedding', str(student.embedding.shape[1]), str(teacher.embedding.shape[1]), 'Linear')]
    def forward(self, student, teacher, target):
        cosine = torch.cosine_similarity(self.adapter(student.embedding), teacher.embedding, dim=1).mean()
        self.diagnostics = {'cosine': cosine.detach()}
        return self.loss_weight * (1 - cosine)
"""
CENTRE = """
from mmkd_ext.losses import ClassMeansLoss
from mmkd_ext.registry import MODELS

@MODELS.register_module(force=True)
class CentreLoss(ClassMeansLoss):
    def forward(self, student, teacher, target):
        centres = self.means_on(target.device)[target]
        value = (student.embedding[:, :centres.shape[1]] - centres[:, :student.embedding.shape[1]]).square().mean()
        return self.loss_weight * self.only_with_means(value, target)
"""


def test_every_registered_loss_keeps_the_contract():
    ours = [cls for name in package.__all__ if isinstance(cls := getattr(package, name), type) and name.endswith(('Loss', 'Head'))]
    assert len(ours) >= 9
    for cls in ours:
        assert issubclass(cls, DistillationLoss) and any(map(cls().reads, base.READS))
        assert cls(loss_weight=0.5).loss_weight == 0.5
        with pytest.raises(ValueError, match=f'{cls.__name__} needs loss_weight to be a finite number >= 0'):
            cls(loss_weight=-1.0)


@pytest.mark.parametrize('loss, reads', [
    (dict(type='KDLoss'), ('logits',)), (dict(type='NDLoss'), ('embedding',)), (dict(type='ReviewKDLoss'), ('stages', 'embedding')),
    (dict(type='ReviewKDLoss', with_embedding=False), ('stages',)), (dict(type='DSKDHead'), ('stages', 'logits')),
    (dict(type='DSKDHead', alpha=0.0), ('stages',)), (dict(type='PKDLoss'), ('stages',)), (dict(type='VkDLoss'), ('embedding',)),
     (dict(type='MutualLearningLoss'), ('logits',))], ids=str)
def test_what_a_loss_reads(loss, reads):
    built = MODELS.build({**loss, 'type': f'mmkd_ext.{loss["type"]}'})
    assert {what for what in base.READS if built.reads(what)} == set(reads)
    regional = not ('stages' in reads and len(reads) > 1)
    if regional:
        check_regions('x', built)
    else:
        with pytest.raises(ValueError, match='losses.x .*belong to RoIs'):
            check_regions('x', built)


def test_a_loss_that_reads_something_else_or_is_none_is_one_sentence():
    class Strange(DistillationLoss):
        compares = 'gradients'

    with pytest.raises(ValueError, match="Strange needs compares of logits, embedding, stages, edges, tower, logit_map, got 'gradients'"):
        Strange()
    student = dict(TEACHER, type='ImageClassifier')
    with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(
            ValueError, match='losses.kd needs a type that derives from mmkd_ext.losses.DistillationLoss, got CrossEntropyLoss'):
        OfflineDistiller(
            student, dict(model=dict(TEACHER), checkpoint=None, allow_random=True), dict(kd=dict(type='mmpretrain.CrossEntropyLoss')))


def test_the_number_of_classes_follows_from_what_is_read():
    class Reads(DistillationLoss):
        def forward(self, student, teacher, target):
            return student.embedding.sum()

    MODELS.register_module(module=Reads, force=True)
    teacher = dict(TEACHER, head=dict(TEACHER['head'], num_classes=7))
    for compares in ('logits', ('stages', 'logits')):
        Reads.compares = compares
        with DefaultScope.overwrite_default_scope('mmpretrain'), pytest.raises(ValueError, match='has 10 classes and the teacher .* has 7'):
            OfflineDistiller(
                dict(TEACHER), dict(model=teacher, checkpoint=None, allow_random=True), dict(x=dict(type='mmkd_ext.Reads')), input_size=8)
    Reads.compares = 'embedding'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        OfflineDistiller(
            dict(TEACHER), dict(model=teacher, checkpoint=None, allow_random=True), dict(x=dict(type='mmkd_ext.Reads')), input_size=8)


def test_means_of_another_width_or_none_are_refused_by_the_loss_own_name():
    class Follows(ClassMeansLoss):
        pass

    loss = Follows()
    with pytest.raises(RuntimeError, match="Follows needs the teacher's class means and has none"):
        loss.means_on(torch.device('cpu'))
    loss.means_width = 3
    with pytest.raises(ValueError, match=r'Follows needs class means \(K, 3\) of floating point, got \(5, 4\)'):
        loss.set_class_means(torch.ones(5, 4))


def test_the_example_of_the_contract_runs():
    (example,) = [each for each in doctest.DocTestFinder().find(base) if each.name.endswith('.DistillationLoss')]
    ran = doctest.DocTestRunner().run(example, clear_globs=False)
    assert (ran.failed, ran.attempted > 2) == (0, True)
    loss = MODELS.build(dict(type='mmkd_ext.CosineLoss', loss_weight=2.0))
    student, teacher = (Outputs((), torch.eye(4, width), torch.zeros(4, 3)) for width in (5, 6))
    assert loss.build_for(student, teacher) == [('embedding', '5', '6', 'Linear')]
    nn.init.eye_(loss.adapter.weight)
    nn.init.zeros_(loss.adapter.bias)
    assert loss(student, teacher).item() == pytest.approx(0.0, abs=1e-6) and loss.diagnostics['cosine'] == pytest.approx(1.0)


def test_a_loss_of_a_users_own_file_is_a_full_citizen(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'angle_of_mine.py').write_text(ANGLE)
    (tmp_path / 'centre_of_mine.py').write_text(CENTRE)
    own = """
model['losses'] = dict(
    angle=dict(type='mmkd_ext.AngleLoss', loss_weight=2.0), centre=dict(type='mmkd_ext.CentreLoss', loss_weight=0.5))
custom_hooks = [dict(type='mmkd_ext.LossWarmupHook', loss='angle', epochs=2), dict(type='mmkd_ext.ClassMeansHook')]
custom_imports['imports'] += ['angle_of_mine', 'centre_of_mine']
"""
    text = extra(tmp_path) + own
    config, code = run(tmp_path, text, 'whole')
    assert code == 0, capsys.readouterr().err
    terms = logged(tmp_path / 'whole')
    assert [term['loss_angle'] for term in terms[:3]] == [0.0] * 3 and all(term['loss_angle'] > 0 for term in terms[3:])
    for term in terms[3:6]:  # the factor of the second epoch is a half
        assert term['loss_angle'] == pytest.approx(0.5 * 2.0 * (1 - term['angle_cosine']), rel=1e-3)
        assert term['centre_unweighted'] == pytest.approx(2 * term['loss_centre'], rel=1e-4)
    said = capsys.readouterr().out
    assert 'Linear' in said and 'Adapters at' in said  # the table

    state = read_checkpoint(tmp_path / 'whole/epoch_3.pth')['state_dict']
    assert state['distill.angle.adapter.weight'].shape == (64, 32) and state['distill.centre.class_means'].shape == (10, 64)
    assert run(tmp_path, text, 'parts', '--cfg-options', 'train_cfg.max_epochs=2')[1] == 0
    config, code = run(tmp_path, text, 'parts', '--resume')
    assert code == 0
    again = read_checkpoint(tmp_path / 'parts/epoch_3.pth')['state_dict']
    assert all(torch.equal(again[key], value) for key, value in state.items())

    (copied,) = (tmp_path / 'whole').glob('*/vis_data/config.py')  # by the run, in a folder without the losses' files
    (tmp_path / 'elsewhere').mkdir()

    def knowing_neither(words):  # as a new interpreter
        for module, kind in (('angle_of_mine', 'AngleLoss'), ('centre_of_mine', 'CentreLoss')):
            del sys.modules[module], MODELS.module_dict[kind]
        sys.path[:] = [folder for folder in sys.path if folder != str(tmp_path)]
        return test.main(words)

    tested = in_copy(knowing_neither, copied, tmp_path / 'whole/epoch_3.pth', cwd=tmp_path / 'elsewhere')
    assert tested.returncode == 0, tested.stderr
    assert export_student.main([str(config), str(tmp_path / 'whole/epoch_3.pth'), str(tmp_path / 'out/net.pth')]) == 0
    plain = read_checkpoint(tmp_path / 'out/net.pth')['state_dict']
    assert plain.keys() == {key for key in state if not key.startswith('distill.')}
    assert 'mine' not in (tmp_path / 'out/net.py').read_text()


def test_without_its_file_a_loss_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = extra(tmp_path) + "\ncustom_imports['imports'] += ['absent_of_mine']\n"
    assert run(tmp_path, text, 'work')[1] == 2
    assert 'absent_of_mine' in one_error(capsys.readouterr().err)
