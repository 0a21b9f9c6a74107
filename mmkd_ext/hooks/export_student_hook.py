"""ExportStudentHook: export of the deployed network when training ends."""

import re
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmkd_ext.config.written_config import written_config
from mmkd_ext.export.export_student import check_onnx, export_student
from mmkd_ext.export.onnx_graph import check_graph
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.hooks.run_folder_hook import BEST_ELSEWHERE
from mmkd_ext.models.outputs.kinds.known import kind_of_config
from mmkd_ext.models.plain_config import plain_config
from mmkd_ext.registry import HOOKS


@HOOKS.register_module()
class ExportStudentHook(Hook):
    """After training, write the plain zoo checkpoint of the best (or last) training checkpoint into the work dir.

    Args:
        out: File name inside the work dir; the plain config goes beside it.
        which: 'best' (the last one where none was chosen) or 'last'.
        onnx: Whether to write ONNX too.

    Raises:
        ValueError: another `which`, an `out` that does not end in .pth or leads out of the work dir, or a network that does not
            predict as the training model did; then no file is written.

    Example:
        In a config:

        >>> custom_hooks = [dict(type='mmkd_ext.ExportStudentHook', out='resnet8.pth', which='last')]
        >>> HOOKS.build(custom_hooks[0]).which
        'last'
    """

    priority = 'VERY_LOW'  # after the CheckpointHook's last word

    def __init__(self, out: str = 'student.pth', which: str = 'best', onnx: bool = False) -> None:
        if which not in ('best', 'last'):
            raise ValueError(f"ExportStudentHook needs which='best' or 'last', got {which!r}.")
        if not isinstance(out, str | Path) or Path(out).suffix != '.pth':  # said before the training, not after it
            raise ValueError(f'ExportStudentHook needs an out that ends in .pth, got {out!r}.')
        self.out, self.which, self.onnx = out, which, onnx

    def before_run(self, runner: Runner) -> None:
        """Refuse, before the training, what could not be written after it."""
        plain, work_dir = plain_config(runner.cfg), Path(runner.work_dir)
        written = [path.resolve() for hook in runner.hooks if isinstance(hook, ExportStudentHook) for path in hook.files(plain, work_dir)]
        for path in self.files(plain, work_dir):
            if re.fullmatch(r'(epoch|iter)_\d+\.pth|best_.*', path.name):
                named = '' if path.name == Path(self.out).name else f', which makes {path.name}'
                raise ValueError(f"ExportStudentHook needs an out that is no checkpoint's name, got {self.out!r}{named}.")
            if written.count(path.resolve()) > 1:
                raise ValueError(
                    f'Each ExportStudentHook needs an out of its own, got {self.out!r}: {path.name} would be written '
                    f'{written.count(path.resolve())} times.')
            if not path.resolve().is_relative_to(work_dir.resolve()):
                raise ValueError(f"ExportStudentHook needs an out inside the run's folder {runner.work_dir}, got {self.out!r}.")
            check_output(path, 'Look at out of the ExportStudentHook.')
        if self.onnx:
            check_onnx()
            for network in (plain.model.get('networks') or {'': plain.model}).values():
                check_graph(kind_of_config(network))
        written_config(plain, 'the deployed network')

    def files(self, plain: Config, work_dir: Path) -> list[Path]:
        """What the export will write.

        Args:
            plain: The deployed config; one of several networks has a file of each.
            work_dir: The run's.
        """
        out = work_dir / self.out
        stems = [out.with_stem(f'{out.stem}_{name}') for name in plain.model.get('networks') or {}]
        endings = ('.pth', '.py', *(['.onnx'] if self.onnx else []))
        found = [each.with_suffix(ending) for each in stems or [out] for ending in endings]
        return [*found, *([out.with_suffix('.py')] if stems else [])]

    def after_train(self, runner: Runner) -> None:
        """Export on the main process."""
        if not is_main_process():
            return
        infos = runner.message_hub.runtime_info
        best = [infos.get('best_ckpt'), infos.get(BEST_ELSEWHERE)] if self.which == 'best' else []
        named = [*best, infos.get('last_ckpt')]
        # A work dir that was moved since: the file has its old name in the new place.
        places = [path for name in named if name for path in (Path(name), Path(runner.work_dir) / Path(name).name)]
        checkpoint = next((path for path in places if path.is_file()), None)
        if checkpoint is None:
            runner.logger.warning(f'ExportStudentHook found no checkpoint of this run in {runner.work_dir}.')
            return
        files = export_student(runner.cfg, checkpoint, Path(runner.work_dir) / self.out, onnx=self.onnx)
        runner.logger.info(f'Exported the plain network of {checkpoint}: {", ".join(map(str, files))}')
