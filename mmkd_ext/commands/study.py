"""Run the same budget over several variants and seeds and write the table: python tools/study.py STUDY.

A study is a config file with one dict `study`: `variants` (name -> dict(config, plain=False, options={})), `seeds`, `metric`, and a
`config` for those variants that name none, so that a study of other data can inherit it; `also`, further columns (name -> metrics, of
which the mean is taken); `unit='percent'` for metrics of 0 to 1. Finished runs are kept, and run again only
where their config has changed since. Beside the runs it writes results.json and table.md; `--readme` puts the table between the
markers `<!-- NAME -->` and `<!-- /NAME -->` of a README, where NAME is the study's file name without its ending; `--plot` draws it.

Also: `options` for all variants; `differences` (variant -> its baseline, or several): a table of paired differences over the seeds with
their 95 % intervals; `same_start`, the config of a plain network from whose initial weights, one draw for each seed, every variant starts;
`teachers` (name -> dict(config, options)), trained once and given to the variants with `teacher=name`; `before` of a variant,
dict(config, option, options={}, teacher=None), trained before it for each seed, whose last checkpoint goes to that option of the variant;
`full`, settings of the study's long form, for `--full`; `folder`, the name of the runs' folder, which several studies may share. The order
of the images follows from the seed alone.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmkd_ext.commands.plot_curves import write_picture
from mmkd_ext.config.packaged_configs import config_file
from mmkd_ext.errors import PreflightError
from mmkd_ext.evaluation.readme_markers import between_markers, write_between_markers
from mmkd_ext.evaluation.study_plan import check_seeds, load_plan
from mmkd_ext.evaluation.study_runs import Study, write_text
from mmkd_ext.evaluation.study_table import differences_table, picture, table
from mmkd_ext.files.partial_files import remove_partial_files
from mmkd_ext.files.writable_places import check_output
from mmkd_ext.preflight.written_places import check_run_folder
from mmkd_ext.running.command_line import run_checked


def study(argv: Sequence[str] | None = None) -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('study', type=Path, help='a study file, such as configs/teskd/study_digits.py')
    parser.add_argument('--out', type=Path, help='folder of the runs (default: work_dirs/<its folder>_<its name>)')
    parser.add_argument('--seeds', type=int, nargs='+', help="instead of the study's own")
    parser.add_argument('--full', action='store_true', help='the long form, as the paper trains')
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time')
    parser.add_argument('--results', type=Path, metavar='FILE', help='write the numbers, as JSON, into this file too')
    parser.add_argument('--readme', type=Path, help='write the table and its command into this file')
    parser.add_argument('--plot', nargs='?', const='', metavar='FILE', help='draw it (default: table.png beside the runs)')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        raise PreflightError(f'A whole number of runs at a time is needed, got {args.jobs}: look at --jobs.')
    plan = load_plan(args.study, args.full)
    name = plan.get('folder') or f'{Path(config_file(str(args.study))).resolve().parent.name}_{args.study.stem}'
    out = args.out or Path('work_dirs') / f'{name}{"_full" if args.full else ""}'
    seeds = args.seeds or list(plan.seeds)
    check_seeds(seeds, '--seeds')
    _check_out(out, plan, seeds)
    if args.results:
        check_output(args.results, 'Look at --results.')
    drawn = Path(args.plot or out / 'table.png')
    if args.plot is not None:  # before the runs, not after them
        if drawn.suffix not in ('.png', '.svg', '.pdf'):
            raise PreflightError(f'A picture named .png, .svg or .pdf is needed, got {drawn}. Look at --plot.')
        check_output(drawn, 'Look at --plot.')
    if args.readme:
        between_markers(args.readme, args.study.stem, '')
        check_output(args.readme, 'Look at --readme.')
    for folder in [out, *out.glob('*'), *out.glob('*/seed*')]:
        remove_partial_files(folder)
    runs = Study(plan, out)
    results = runs.runs(seeds, args.jobs)
    for path in (out / 'results.json', *([args.results] if args.results else [])):
        write_text(path, json.dumps(results, indent=1) + '\n')
    text = table(results, plan.metric, runs.scale)
    if plan.get('differences'):
        text += '\n\n' + differences_table(results, plan.differences, runs.scale)
    write_text(out / 'table.md', text + '\n')
    print(text)
    if args.plot is not None:
        print(f'wrote {write_picture(picture(results, plan.metric, runs.scale), drawn)}')
    if args.readme:
        command = f'python tools/study.py {args.study}{" --full" if args.full else ""}'
        write_between_markers(
            args.readme, args.study.stem, f'`{command}` (seeds {", ".join(map(str, seeds))}):\n\n{text}'
        )


def _check_out(out: Path, plan: Any, seeds: Sequence[int]) -> None:
    """Whether nothing stands in the place of what the study and its runs write, said before the first run."""
    hint = 'Name another folder by --out.'
    variants = {out / name: seeds for name in plan.variants}
    befores = {out / name / 'before': seeds for name, variant in plan.variants.items() if variant.get('before')}
    teachers = {out / 'teachers' / name: None for name in plan.get('teachers') or {}}
    for folder, theirs in {**variants, **befores, **teachers}.items():
        check_output(folder / 'config.py', hint)
        for run in [folder] if theirs is None else [folder / f'seed{seed}' for seed in theirs]:
            check_run_folder(run, flag='--out')
            for name in ('result.json', 'output.txt'):
                check_output(run / name, hint)
    for name in ('results.json', 'table.md'):
        check_output(out / name, hint)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_checked(lambda: study(argv))
