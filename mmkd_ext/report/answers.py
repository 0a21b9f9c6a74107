"""The part of a page for which networks are run: calibration, confusion, disagreements, detections, size and speed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mmkd_ext.explain.sentences import one_line
from mmkd_ext.models.outputs.kinds.known import kind_of

from .boxes import side_by_side
from .calibration import reliability
from .charts import confusion_figure, reliability_figure
from .confusion import commonest_mistakes, confusion_matrix
from .cost import Cost, cost_of, onnx_cost, size_of, this_machine
from .disagreements import disagreement
from .groups import TEACHER, Group, main_group
from .inline_pictures import jpeg, svg, thumbnail
from .loaded_models import Loaded, load_run
from .predictions import STUDENT, NoClassifier, Predictions, evenly, pictures, predict, validation_data

_MOST_GROUPS = 6
_MOST_CLASSES = 20  # of a table
_SCORE = 0.3  # of a detection that is drawn
_Found = TypeVar('_Found')


class Asked(NamedTuple):
    """What a page asks of networks.

    Attributes:
        limit: Validation images at most, evenly spaced; None: all.
        images: Shown of those with different answers; a third of it, one at least, of detections.
        device: Where.
    """

    limit: int | None
    images: int
    device: str


class Notes(list):
    """Sentences on what could not be shown, each once."""

    def tried(self, what: str, work: Callable[..., _Found], *args: Any) -> _Found | None:
        """The result of a part of the page; None, and a sentence, where it fails: the other parts are shown all the same."""
        try:
            return work(*args)
        except Exception as error:  # models and data are anybody's
            text = str(error) if isinstance(error, ValueError) else one_line(error)
            self.add(f'{what}: {text.rstrip(".")}.')
            return None

    def add(self, text: str) -> None:
        """Add a sentence unless it stands there."""
        if text not in self:
            self.append(text)


def answers_part(groups: Sequence[Group], places: Sequence[Path], asked: Asked, notes: Notes) -> dict[str, Any]:
    """Run the networks of the first run of each group, those of the main one beside their teachers."""
    main = main_group(groups)
    chosen = [main, *(group for group in groups if group is not main)]
    if len(chosen) > _MOST_GROUPS:
        notes.add(f'Predictions and speed are those of {_MOST_GROUPS} of {len(chosen)} networks; name fewer work dirs for others.')
    loaded: dict[str, Loaded] = {}
    for group in chosen[:_MOST_GROUPS]:
        found = notes.tried(f'The network of {group.name} is not run', load_run, group.shown, group is main)
        if found is not None:
            loaded[group.name] = found
            if found.problem:
                notes.add(found.problem)
    part: dict[str, Any] = {'machine': this_machine(asked.device), 'disagreements': []}
    said = _all_said(chosen, loaded, asked, notes)
    if main.name in loaded and kind_of(loaded[main.name].network).boxes:
        part['detections'] = notes.tried('Detections are not drawn', _detections, main, loaded[main.name], asked)
    if main.name in said:
        own = said[main.name]
        part['asked'] = f'{len(own.labels)} of {own.total} validation images, by the weights in {main.shown.checkpoint}.'
        part['confusion'] = notes.tried('Confusion is not shown', _confusion, main.name, own)
        for name in own.scores:
            if name != STUDENT:
                what = f'Where {name} and {main.name} disagree is not shown'
                part['disagreements'].append(notes.tried(what, _disagreement, main.name, name, own, said, asked.images, notes))
        part['disagreements'] = [each for each in part['disagreements'] if each]
    if said:
        part['calibration'] = notes.tried('Calibration is not shown', _calibration, main.name, said)
    part['costs'] = _costs(groups, main, loaded, places, asked.device, notes)
    return part


def _all_said(chosen: Sequence[Group], loaded: dict[str, Loaded], asked: Asked, notes: Notes) -> dict[str, Predictions]:
    said: dict[str, Predictions] = {}
    for group in chosen:
        if group.name not in loaded or kind_of(loaded[group.name].network).boxes:
            continue
        if group.role == TEACHER and any(STUDENT != name for each in said.values() for name in each.scores):
            continue  # asked already, beside its student
        try:
            said[group.name] = predict(loaded[group.name], group.shown.cfg, asked.limit, asked.device)
        except NoClassifier as error:
            notes.add(f'No predictions of {group.name} are shown: {error}.')
        except Exception as error:  # models and data are anybody's
            notes.add(f'No predictions of {group.name} are shown: {str(error) if isinstance(error, ValueError) else one_line(error)}')
    return said


def _calibration(main: str, said: dict[str, Predictions]) -> dict[str, Any]:
    networks = {}
    for group, each in said.items():
        for name, scores in each.scores.items():
            if name == STUDENT or group == main:
                networks[group if name == STUDENT else name] = (scores, each.labels)
    found = {name: reliability(*each) for name, each in networks.items()}
    rows = [
        {'name': name, 'ece': 100 * found[name].ece, 'confidence': 100 * float(scores.max(axis=1).mean()),
         'accuracy': 100 * float((scores.argmax(axis=1) == labels).mean())} for name, (scores, labels) in networks.items()]  # fmt: skip
    return {'picture': svg(reliability_figure(found)), 'rows': rows}


def _confusion(name: str, own: Predictions) -> dict[str, Any]:
    matrix = confusion_matrix(own.labels, own.scores[STUDENT].argmax(axis=1), len(own.names))
    mistakes = [
        {'label': own.names[each.label], 'called': own.names[each.called], 'count': each.times, 'of': each.of}
        for each in commonest_mistakes(matrix)]
    part: dict[str, Any] = {'name': name, 'mistakes': mistakes, 'names': own.names, 'picture': None, 'rows': []}
    if len(own.names) > _MOST_CLASSES:
        part['picture'] = svg(confusion_figure(matrix))
    else:
        part['rows'] = [
            (label, [_cell(int(count), int(count) / max(int(row.sum()), 1)) for count in row])
            for label, row in zip(own.names, matrix, strict=True)]
    return part


def _cell(count: int, share: float) -> dict[str, Any]:
    """A count on a ground from white to blue."""
    red, green, blue = (round(255 + share * (each - 255)) for each in (0, 114, 178))
    return {'count': count, 'colour': f'rgb({red}, {green}, {blue})', 'ink': '#fff' if share > 0.55 else '#1c2430'}


def _disagreement(
    group: str, teacher: str, own: Predictions, said: dict[str, Predictions], most: int, notes: Notes
) -> dict[str, Any]:
    found = disagreement(own, teacher, STUDENT, most)
    networks = [(teacher, own.scores[teacher]), (group, own.scores[STUDENT])]
    networks += [
        (name, each.scores[STUDENT]) for name, each in said.items()
        if name != group and len(each.labels) == len(own.labels) and (each.labels == own.labels).all() and each.places == own.places]
    shown = (notes.tried('The images are not shown', pictures, own, found.shown) if found.shown else []) or []
    images = [
        {'picture': thumbnail(pixels), 'place': own.places[i], 'truth': own.names[own.labels[i]], 'said': [
            {'name': name, 'called': own.names[int(scores[i].argmax())], 'right': bool(scores[i].argmax() == own.labels[i]),
             'percent': 100 * float(scores[i].max())} for name, scores in networks]}
        for i, pixels in zip(found.shown, shown, strict=False)]
    return {**found._asdict(), 'teacher': teacher, 'student': group, 'total': len(own.labels), 'images': images}


def _detections(main: Group, loaded: Loaded, asked: Asked) -> dict[str, Any]:
    _, dataset = validation_data(main.shown.cfg)
    places = evenly(len(dataset), max(1, asked.images // 3))
    model = loaded.model.to(asked.device)
    drawn = [jpeg(side_by_side(model, dataset, place, _SCORE, tuple(loaded.teachers))) for place in places]
    text = f'{len(places)} of {len(dataset)} validation images, evenly spaced, by the weights in {main.shown.checkpoint}: what is found ' \
           f'with a score of {_SCORE} or more.'
    return {'pictures': drawn, 'text': text}


def _costs(
    groups: Sequence[Group], main: Group, loaded: dict[str, Loaded], places: Sequence[Path], device: str, notes: Notes
) -> list[dict[str, str]]:
    rows, measured = [], set()
    shape: tuple[int, int, int] | None = None
    for group in groups:
        if group.name not in loaded or group.plain in measured:
            continue
        measured.add(group.plain)
        same = [each.name for each in groups if each.plain == group.plain and each.plain is not None] or [group.name]
        network = loaded[group.name].network
        found = notes.tried(f'The time of {group.name} is not measured', cost_of, network, group.shown.cfg, device)
        shape = found.shape if found is not None and main.name in same else shape
        rows.append(_cost_row(', '.join(same), found or size_of(network)))
    if main.name in loaded and not any(group.role == TEACHER for group in groups):
        rows += [_cost_row(f'{name} (frozen, not shipped)', size_of(each.network)) for name, each in loaded[main.name].teachers.items()]
    for place in places:
        for path in sorted(place.glob('*.onnx')) if shape is not None else ():
            found = notes.tried(f'The time of {path} is not measured', onnx_cost, path, shape)
            if found is not None:
                rows.append(_cost_row(f'{path.name} (onnxruntime, on the processor)', found))
    return rows


def _cost_row(name: str, cost: Cost) -> dict[str, str]:
    time = f'{cost.milliseconds:.2f} ({cost.spread[0]:.2f} to {cost.spread[1]:.2f})' if cost.spread is not None else ''
    shape = '' if cost.shape is None else ' x '.join(map(str, cost.shape))
    return {
        'name': name, 'parameters': f'{cost.parameters:,}' if cost.parameters else '', 'megabytes': f'{cost.megabytes:.2f}', 'time': time,
        'shape': shape}
