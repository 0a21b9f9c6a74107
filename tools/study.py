"""Run the same budget over several variants and seeds and write the table: python tools/study.py STUDY.

A study is a config file with one dict `study`: `variants` (name -> dict(config, plain=False, options={})), `seeds`, `metric`. Finished
runs are kept and not run again. Beside the runs it writes results.json and table.md; `--readme` puts the table between the markers
`<!-- NAME -->` and `<!-- /NAME -->` of a README, where NAME is the study's file name without its ending.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmkd_ext.export import plain_model
from mmkd_ext.preflight import PreflightError, load_config, run_checked

TRAIN = Path(__file__).with_name('train.py')


def variant_config(variant: dict, folder: Path) -> Path:
    """Write a variant's config: the named one with its options, or the plain network of it."""
    cfg = load_config(variant['config'])
    cfg.merge_from_dict(dict(variant.get('options', {})))
    if variant.get('plain'):
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
        cfg.model = plain_model(cfg.model)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'config.py'
    cfg.dump(path)
    return path


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
            code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    else:
        code = subprocess.run(command, check=False).returncode
    if code:
        lines = (work_dir / 'output.txt').read_text().strip().splitlines() if quiet else []
        raise PreflightError(
            f'A run that ends well is needed, got exit code {code} from {work_dir}: {lines[-1] if lines else "see above"}'
        )
    return time.perf_counter() - start


def scores(work_dir: Path, metric: str) -> list[float]:
    """The validation metric of every epoch of a run's newest log."""
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not logs:
        raise PreflightError(f'A run with vis_data/scalars.json is needed, got none in {work_dir}. Did it train?')
    lines = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    return [line[metric] for line in lines if metric in line]


def table(results: dict, metric: str) -> str:
    """Markdown: mean and standard deviation over seeds, of the last and of the best epoch."""
    rows = [f'| variant | {metric}, last epoch | {metric}, best epoch | seeds | s per run |', '|---|---|---|---|---|']
    for name, runs in results.items():
        last, best = ([run[key] for run in runs] for key in ('last', 'best'))
        seconds = statistics.mean(run['seconds'] for run in runs)
        rows.append(f'| {name} | {_mean(last)} | {_mean(best)} | {len(runs)} | {seconds:.0f} |')
    return '\n'.join(rows)


def _mean(values: list[float]) -> str:
    return f'{statistics.mean(values):.2f} ± {statistics.stdev(values) if len(values) > 1 else 0:.2f}'


def write_between_markers(readme: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    old = readme.read_text(encoding='utf-8')
    begin, end = f'<!-- {name} -->', f'<!-- /{name} -->'
    if old.count(begin) != 1 or old.count(end) != 1:
        raise PreflightError(f'{readme} needs the markers {begin} and {end} once each; put them where the table belongs.')
    before, rest = old.split(begin)
    readme.write_text(f'{before}{begin}\n{text}\n{end}{rest.split(end)[1]}', encoding='utf-8')


def study(argv: Sequence[str] | None = None) -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('study', type=Path, help='a study file, such as configs/teskd/study_digits.py')
    parser.add_argument('--out', type=Path, help='folder of the runs (default: work_dirs/<name of the study>)')
    parser.add_argument('--seeds', type=int, nargs='+', help='instead of the study\'s own')
    parser.add_argument('--readme', type=Path, help='write the table and its command into this file')
    args = parser.parse_args(argv)
    plan = Config.fromfile(str(args.study)).study
    out = args.out or Path('work_dirs') / args.study.stem
    seeds = args.seeds or plan.seeds
    total, done = len(plan.variants) * len(seeds), 0
    results: dict[str, list[dict]] = {name: [] for name in plan.variants}
    # Seed by seed, so that an unfinished study compares what it has.
    for seed in seeds:
        for name, variant in plan.variants.items():
            work_dir = out / name / f'seed{seed}'
            record = work_dir / 'result.json'
            if not record.exists():
                config = variant_config(variant, out / name)
                options = ['default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.interval=1000000']
                seconds = run_once(config, work_dir, seed, options)
                values = scores(work_dir, plan.metric)
                record.write_text(json.dumps(dict(seed=seed, last=values[-1], best=max(values), seconds=seconds)))
            results[name].append(json.loads(record.read_text()))
            done += 1
            last = results[name][-1]
            print(f'[{done}/{total}] {name}, seed {seed}: last {last["last"]:.2f}, best {last["best"]:.2f}', flush=True)
    (out / 'results.json').write_text(json.dumps(results, indent=1))
    text = table(results, plan.metric)
    (out / 'table.md').write_text(text + '\n', encoding='utf-8')
    print(text)
    if args.readme:
        command = f'python tools/study.py {args.study}'
        write_between_markers(args.readme, args.study.stem, f'`{command}` (seeds {", ".join(map(str, seeds))}):\n\n{text}')


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: study(argv))


if __name__ == '__main__':
    sys.exit(main())
