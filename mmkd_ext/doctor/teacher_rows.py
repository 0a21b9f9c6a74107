"""Findings about frozen teachers: weights, accuracy by ways of feeding, order of classes, two passes. N samples, K classes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmkd_ext.models.outputs.feature_maps import tensors_in
from mmkd_ext.preflight.class_names import ClassOrderError

from .class_order import best_order
from .feeding import OWN, ways
from .patient import Patient
from .rows import LOOK, OK, WRONG, Row, some


def teacher_rows(patient: Patient) -> list[Row]:
    """The rows of every frozen teacher; one that says so where there is none."""
    teachers = patient.teachers
    if not teachers:
        return [Row(OK, 'teacher', 'no frozen teacher, so nothing is asked of one.')]
    rows = []
    for name, teacher in teachers.items():
        rows += [_keys(name, teacher), _passes(patient, name, teacher)]
        rows += _classifies(patient, name, teacher)
    return rows


def _keys(name: str, teacher: Any) -> Row:
    check, loaded = f'{name}: weights', teacher.loaded
    if loaded is None:
        return Row(LOOK, check, f'{teacher.name} has random weights, as checkpoint=None and allow_random=True say.')
    figures = {'matched': loaded.matched, 'wanted': loaded.wanted, 'missing': loaded.missing, 'unexpected': loaded.unexpected}
    text = f'{loaded.matched} of {loaded.wanted} entries of {teacher.name} are in {loaded.path}'
    if not loaded.missing and not loaded.unexpected:
        return Row(OK, check, f'{text}.', figures)
    few = loaded.matched < 0.9 * loaded.wanted
    which = '; '.join(
        f'{len(keys)} {kind}: {some(keys)}' for kind, keys in (('missing', loaded.missing), ('unexpected', loaded.unexpected)) if keys)
    return Row(
        WRONG if few else LOOK, check,
        f'{text}, {which}; allow_missing and allow_unexpected let them pass{": a network that is partly random" if few else ""}.', figures)


@torch.no_grad()
def _passes(patient: Patient, name: str, teacher: Any) -> Row:
    data = patient.prepared(patient.batches[0], False)
    samples = data['data_samples'] if teacher.reader.padded else None
    before = {key: value.clone() for key, value in teacher.network.state_dict().items()}
    one, two = (list(tensors_in(teacher.look(data['inputs'].clone(), samples, once=True))) for _ in range(2))
    trains = [key or type(teacher.network).__name__ for key, module in teacher.network.named_modules() if module.training]
    moved = [key for key, value in teacher.network.state_dict().items() if not torch.equal(value, before[key])]
    most = max((float((a.float() - b.float()).abs().max()) for a, b in zip(one, two, strict=True) if a.numel()), default=0.0)
    size = max((float(a.float().abs().max()) for a in one if a.numel()), default=1.0)
    check, figures = f'{name}: two passes', {'largest_difference': most, 'in_train_mode': trains, 'changed': moved}
    if not most <= 1e-4 * size or moved or trains:
        why = f'{some(trains)} in train mode' if trains else f'{some(moved)} changed' if moved else 'something in it is drawn at random'
        return Row(
            WRONG, check, f'two passes over the same images differ by up to {most:.3g} ({why}): a frozen teacher has to say the same '
            'twice, look for dropout that does not ask for the mode.', figures)
    exactly = 'the same to the last bit' if most == 0 else f'the same but for rounding ({most:.1g})'
    return Row(OK, check, f'two passes over the same images are {exactly}.', figures)


def _classifies(patient: Patient, name: str, teacher: Any) -> list[Row]:
    """Accuracy and order of the classes of a teacher with one label an image, or of a detector in places with an object."""
    if not teacher.reader.has_classes:
        return []
    said: dict[str, list[Tensor]] = {}
    labels: list[Tensor] = []
    classes = mine = patient.model.num_classes
    for batch in patient.batches:
        data = patient.prepared(batch, False)
        asked = _asked(patient, teacher, data)
        if asked is None:
            return []
        samples, places, target, counted = asked
        labels.append(target[counted].cpu())
        for way, outputs in ways(teacher, data['inputs'], patient.model.data_preprocessor, samples, places):
            classes = teacher.reader.classes_of(outputs)
            guess = outputs.logits[:, :classes].argmax(dim=1)[counted] if outputs.logits.numel() else target[:0]
            said.setdefault(way, []).append(guess.cpu())
    if classes != mine:
        text = f'its {classes} classes are not the {mine} of the student, so that only its features can be followed.'
        return [Row(LOOK, f'{name}: classes', text, {'classes': classes, 'student': mine})]
    target = torch.cat(labels)
    if not teacher.reader.shares_samples and (classes == 1 or not len(target)):
        return []  # nothing to mistake
    guesses = {way: torch.cat(each) for way, each in said.items() if sum(map(len, each)) == len(target)}
    order = _order(patient, name, teacher, target, guesses[OWN], classes)
    calls = order.figures.get('calls') if order.status == WRONG else None
    reordered = None if calls is None else 100 * float((guesses[OWN] == torch.tensor(calls)[target]).float().mean())
    return [_accuracy(name, teacher, target, guesses, classes, reordered), order]


@torch.no_grad()
def _asked(patient: Patient, teacher: Any, data: Mapping[str, Any]) -> tuple[Any, Any, Tensor, Tensor] | None:
    """What a teacher is asked about a batch: samples and places, their labels (S,), and which of them count; None: not one label each."""
    samples, reader = data['data_samples'], patient.model.reader
    if not teacher.reader.shares_samples:  # where the student's own losses look
        seen = reader.train(data['inputs'], samples, patient.model.data_preprocessor)
        counted = reader.counted(seen.target, patient.model.num_classes)
        return samples, seen.places, seen.target, torch.ones_like(seen.target, dtype=torch.bool) if counted is None else counted
    if any('gt_label' not in sample or sample.gt_label.numel() != 1 for sample in samples):
        return None
    if teacher(data['inputs'], once=True).scores is not None:
        return None  # several labels, or values
    target = torch.cat([sample.gt_label for sample in samples])
    return None, None, target, torch.ones_like(target, dtype=torch.bool)


def _accuracy(
    name: str, teacher: Any, target: Tensor, guesses: Mapping[str, Tensor], classes: int, reordered: float | None
) -> Row:
    """`reordered`: percent that are right in another order of its classes, which fits it better; None: there is none."""
    shares = {way: 100 * float((guess == target).float().mean()) for way, guess in guesses.items()}
    hits = {way: guess == target for way, guess in guesses.items()}
    check, count = f'{name}: accuracy', len(target)
    figures = {'images': count, 'percent': shares}
    best = max(shares, key=lambda way: shares[way])
    explained = reordered is not None and reordered > shares[best] + 2  # whatever it is fed, its classes are the larger mistake
    gained, lost = int((hits[best] & ~hits[OWN]).sum()), int((hits[OWN] & ~hits[best]).sum())
    others = ', '.join(f'{share:.1f} % {way}' for way, share in shares.items() if way != OWN)
    parts = not teacher.reader.shares_samples  # of images
    text = f'{shares[OWN]:.1f} % of {count} {_called(teacher)} are right {OWN}{f"; {others}" if others else ""}'
    # were both ways equally good, each image on which they differ would be a coin's toss; places in one object are no two tosses
    beyond_chance = gained - lost > 3 * (gained + lost) ** 0.5 and shares[best] - shares[OWN] > (10 if parts else 2)
    if beyond_chance and not explained and teacher.loaded is not None:
        return Row(
            WRONG, check, f'{text}. It is fed wrongly: {_remedy(teacher, best)}', figures)
    chance = max(count / classes, float(target.bincount().max()) if parts else 0.0)  # one that calls everything the same
    if classes > 1 and int(hits[OWN].sum()) <= chance + 2 * (chance * (1 - 1 / classes)) ** 0.5:
        why = 'its classes are in another order.' if reordered is not None else (
            'are these its weights, its classes in this order and its data_preprocessor (mean, std, channel_order)?')
        return Row(WRONG, check, f'{text}, which is chance for {classes} classes: {why}', figures)
    return Row(OK, check, f'{text}.', figures)


def _remedy(teacher: Any, way: str) -> str:
    if 'order' in way:
        return "look at channel_order of model.teacher and at model.channel_order ('rgb' or 'bgr')."
    return f'look at data_preprocessor (mean, std) of {teacher.name}, or give model.teacher one of its own.'


def _order(patient: Patient, name: str, teacher: Any, target: Tensor, guess: Tensor, classes: int) -> Row:
    check = f'{name}: classes'
    problem = next((each for each in patient.problems if isinstance(each, ClassOrderError)), None)
    if problem is not None:
        return Row(WRONG, check, str(problem))
    order = best_order(target.numpy(), guess.numpy(), classes)
    names = (getattr(patient.runner.train_dataloader.dataset, 'metainfo', None) or {}).get('classes')
    moved = [f'{_named(names, k)} it calls {_named(names, called)}' for k, called in order.moved]
    figures = {'classes': classes, 'gained': order.gained, 'lost': order.lost, 'calls': order.calls}
    if order.other:
        return Row(
            WRONG, check, f'{order.gained} of {len(target)} {_called(teacher, "images")} are right in another order of its classes only '
            f'({some(moved)}), {order.lost} in this one only: {_reorder(teacher)}.',
            figures)
    if teacher.labels.groups is not None:
        how = "mapped to the student's"
    elif teacher.record.classes and names is not None and list(map(str, names)) == list(teacher.record.classes):
        how = "by name the student's, in the same order"
    else:
        known = 'other names than the data' if teacher.record.classes else 'no names'
        return Row(OK, check, f'no other order of its {classes} classes fits its predictions better; its checkpoint has {known}.', figures)
    return Row(OK, check, f'its {classes} classes are {how}.', figures)


def _called(teacher: Any, images: str = 'training images') -> str:
    return images if teacher.reader.shares_samples else teacher.reader.samples_name


def _reorder(teacher: Any) -> str:
    if teacher.reader.boxes:
        return 'give the data its order by metainfo=dict(classes=...), or train it anew'
    return 'map its classes by teacher=dict(model=..., classes=[...]), or look at the order of the data'


def _named(names: Any, k: int) -> str:
    return str(names[k]) if names is not None and k < len(names) else str(k)
