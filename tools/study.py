"""Run the same budget over several variants and seeds and write the table: python tools/study.py STUDY.

A study is a config file with one dict `study`: `variants` (name -> dict(config, plain=False, options={})), `seeds`, `metric`, and a
`config` for those variants that name none, so that a study of other data can inherit it; `also`, further columns (name -> metrics, of
which the mean is taken); `unit='percent'` for metrics of 0 to 1. Finished runs are kept, and run again only
where their config has changed since. Beside the runs it writes results.json and table.md; `--readme` puts the table between the
markers `<!-- NAME -->` and `<!-- /NAME -->` of a README, where NAME is the study's file name without its ending; `--plot` draws it.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.utils import import_modules_from_strings

from mmkd_ext.bound_process import run_bound
from mmkd_ext.checkpoints import AtomicBackend
from mmkd_ext.export import plain_model
from mmkd_ext.folders import check_output
from mmkd_ext.launch import merge_options
from mmkd_ext.partial_files import remove_partial_files
from mmkd_ext.preflight import PreflightError, load_config, run_checked
from mmkd_ext.study_table import picture, table

sys.path.insert(0, str(Path(__file__).parent))
from plot_curves import write_picture  # noqa: E402

_OF_LOSSES = ('mmkd_ext.ClassMeansHook', 'mmkd_ext.LossWarmupHook')  # a plain network has none
_FILES = ('results.json', 'table.md', 'table.png')  # beside the variants' folders
TRAIN = Path(__file__).with_name('train.py')


def variant_config(variant: dict, folder: Path) -> Path:
    """Write a variant's config: the named one with its options, or the plain network of it."""
    cfg = load_config(variant['config'])
    merge_options(cfg, variant.get('options'), variant['config'], f'The options of a variant of {variant["config"]}')
    if variant.get('plain'):
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
        cfg.model = plain_model(cfg.model)
        if cfg.get('custom_hooks'):
            cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.get('type') not in _OF_LOSSES]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'config.py'
    cfg.dump(path)
    return path


def load_plan(path: Path) -> Any:
    """A file's `study`, each variant with its config.

    Raises:
        PreflightError: There is none, or one without variants, configs, seeds or a metric.
    """
    plan = load_config(str(path)).get('study')
    if isinstance(plan, dict) and isinstance(plan.get('variants'), dict) and 'config' in plan:
        for variant in plan['variants'].values():
            if isinstance(variant, dict):
                variant.setdefault('config', plan['config'])
    _check_plan(plan, path)
    return plan


def _check_plan(plan: Any, path: Path) -> None:
    if not isinstance(plan, dict):
        raise PreflightError(f'A file with a dict `study` is needed, got {path}. See configs/teskd/study_digits.py.')
    wrong = [key for key, kind in (('variants', dict), ('seeds', list), ('metric', str)) if not isinstance(plan.get(key), kind)]
    variants = {} if wrong else plan['variants']
    wrong += [f'variants.{name}.config' for name, v in variants.items() if not isinstance(v, dict) or 'config' not in v]
    also = {} if wrong else plan.get('also') or {}
    wrong += [f'also.{name} (a list of metrics)' for name, each in also.items() if not isinstance(each, list) or not each]
    if wrong or not variants or not plan['seeds']:
        raise PreflightError(
            'A study with variants (each with its config), seeds and a metric is needed, got one without '
            f'{", ".join(wrong) or "a variant or a seed"}: look at {path}.'
        )
    for name in variants:
        folder = name if isinstance(name, str) else ''
        if not folder.strip('. ') or Path(folder).name != folder or '\0' in folder or len(folder.encode()) > 200 or folder in _FILES:
            raise PreflightError(f'A variant whose name can be a folder in the study\'s own is needed, got {name!r}: look at {path}.')
    check_seeds(plan['seeds'], path)


def check_seeds(seeds: Sequence[Any], where: object) -> None:
    """Refuse what is no seed, and one that is given twice: a deviation over runs of one seed says nothing."""
    wrong = [seed for seed in seeds if type(seed) is not int or not 0 <= seed < 2**32]
    twice = [seed for seed in seeds if seeds.count(seed) > 1]
    if wrong or twice:
        got = f'{wrong[0]!r}' if wrong else f'{twice[0]} more than once'
        raise PreflightError(f'Seeds of 0 to {2**32 - 1}, each once, are needed, got {got}: look at {where}.')


def digest(config: Path, seed: int, metric: str, also: dict | None = None) -> str:
    """What a result is a result of: the whole config with its bases, the seed and the metrics, as 16 hex digits."""
    asked = [load_config(str(config)).to_dict(), seed, metric, *([also] if also else [])]
    resolved = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(resolved.encode()).hexdigest()[:16]


def _finished(record: Path, asked: str) -> dict | None:
    """The result of an earlier call, unless it is of another config."""
    if not record.exists():
        return None
    try:
        run = json.loads(record.read_text())
        known = run.get('digest')
    except (ValueError, AttributeError):
        run = known = None
    if known == asked:
        return run
    print(f'{record} is of another config, seed or metric ({known or "no digest"}, now {asked}): it runs again.', flush=True)
    return None


def run_once(config: Path, work_dir: Path, seed: int, options: Sequence[str] = (), quiet: bool = True) -> float:
    """Train once in a process of its own and return the seconds it took.

    Raises:
        PreflightError: the run failed; its last line is quoted.
    """
    command = [sys.executable, '-u', str(TRAIN), str(config), '--work-dir', str(work_dir)]
    command += ['--cfg-options', f'randomness.seed={seed}', *options]
    start = time.perf_counter()
    work_dir.mkdir(parents=True, exist_ok=True)
    if quiet:
        with open(work_dir / 'output.txt', 'w') as log:
            code = run_bound(command, stdout=log, stderr=subprocess.STDOUT)
    else:
        code = run_bound(command)
    if code:
        lines = (work_dir / 'output.txt').read_text().strip().splitlines() if quiet else []
        last = lines[-1] if lines else 'see above'
        raise PreflightError(f'A run that ends well is needed, got exit code {code} from {work_dir}: {last}')
    return time.perf_counter() - start


def scores(work_dir: Path, metric: str) -> list[float]:
    """The validation metric of every epoch of a run's newest log."""
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not logs:
        raise PreflightError(f'A run with vis_data/scalars.json is needed, got none in {work_dir}. Did it train?')
    lines = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    values = [line[metric] for line in lines if metric in line]
    if not values:
        known = ', '.join(sorted({key for line in lines for key in line}))
        raise PreflightError(f'A metric that the run logs is needed, got {metric!r}; {logs[-1]} has {known}.')
    return values


def write_between_markers(readme: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    _write(readme, between_markers(readme, name, text))


def between_markers(readme: Path, name: str, text: str) -> str:
    """A README's text with another one between its markers.

    Raises:
        PreflightError: It cannot be read, or does not have the markers once each and in order.
    """
    try:
        old = readme.read_text(encoding='utf-8')
    except (OSError, ValueError) as error:
        raise PreflightError(f'A README that can be read is needed, got {readme}: {error}. Look at --readme.') from error
    begin, end = f'<!-- {name} -->', f'<!-- /{name} -->'
    if old.count(begin) != 1 or old.count(end) != 1:
        raise PreflightError(
            f'{readme} needs the markers {begin} and {end} once each; put them where the table belongs.'
        )
    before, rest = old.split(begin)
    if end not in rest:
        raise PreflightError(f'{readme} needs the marker {begin} before {end}, got them the other way round.')
    return f'{before}{begin}\n{text}\n{end}{rest.split(end)[1]}'


def _write(path: Path, text: str) -> None:
    AtomicBackend().put(text.encode(), path)


def study(argv: Sequence[str] | None = None) -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('study', type=Path, help='a study file, such as configs/teskd/study_digits.py')
    parser.add_argument('--out', type=Path, help='folder of the runs (default: work_dirs/<its folder>_<its name>)')
    parser.add_argument('--seeds', type=int, nargs='+', help="instead of the study's own")
    parser.add_argument('--readme', type=Path, help='write the table and its command into this file')
    parser.add_argument('--plot', nargs='?', const='', metavar='FILE', help='draw it (default: table.png beside the runs)')
    args = parser.parse_args(argv)
    plan = load_plan(args.study)
    out = args.out or Path('work_dirs') / f'{args.study.resolve().parent.name}_{args.study.stem}'
    check_output(out / 'results.json', 'Name another folder by --out.')
    drawn = Path(args.plot or out / 'table.png')
    if args.plot is not None:  # before the runs, not after them
        if drawn.suffix not in ('.png', '.svg', '.pdf'):
            raise PreflightError(f'A picture named .png, .svg or .pdf is needed, got {drawn}. Look at --plot.')
        check_output(drawn, 'Look at --plot.')
    if args.readme:
        between_markers(args.readme, args.study.stem, '')
        check_output(args.readme, 'Look at --readme.')
    seeds = args.seeds or list(plan.seeds)
    check_seeds(seeds, '--seeds')
    for folder in [out, *out.glob('*'), *out.glob('*/seed*')]:
        remove_partial_files(folder)
    total, done = len(plan.variants) * len(seeds), 0
    also, scale = plan.get('also') or {}, 100.0 if plan.get('unit') == 'percent' else 1.0
    results: dict[str, list[dict]] = {name: [] for name in plan.variants}
    # Seed by seed, so that an unfinished study compares what it has.
    for seed in seeds:
        for name, variant in plan.variants.items():
            work_dir = out / name / f'seed{seed}'
            record = work_dir / 'result.json'
            config = variant_config(variant, out / name)
            asked = digest(config, seed, plan.metric, also)
            run = _finished(record, asked)
            if run is None:
                options = ['default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.interval=1000000']
                seconds = run_once(config, work_dir, seed, options)
                values = scores(work_dir, plan.metric)
                run = dict(seed=seed, last=values[-1], best=max(values), seconds=seconds, digest=asked)
                if also:
                    run['also'] = {
                        column: statistics.mean(scores(work_dir, metric)[-1] for metric in metrics) for column, metrics in also.items()}
                _write(record, json.dumps(run))
            results[name].append(run)
            done += 1
            last = results[name][-1]
            print(f'[{done}/{total}] {name}, seed {seed}: last {scale * last["last"]:.2f}, best {scale * last["best"]:.2f}', flush=True)
    _write(out / 'results.json', json.dumps(results, indent=1))
    text = table(results, plan.metric, scale)
    _write(out / 'table.md', text + '\n')
    print(text)
    if args.plot is not None:
        print(f'wrote {write_picture(picture(results, plan.metric, scale), drawn)}')
    if args.readme:
        command = f'python tools/study.py {args.study}'
        write_between_markers(
            args.readme, args.study.stem, f'`{command}` (seeds {", ".join(map(str, seeds))}):\n\n{text}'
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: study(argv))


if __name__ == '__main__':
    sys.exit(main())
