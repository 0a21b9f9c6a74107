"""Package metadata: ranges that are meant to work. What was tested together is pinned in constraints.txt."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r"__version__ = '(.+)'", (HERE / 'mmkd_ext/__init__.py').read_text())[1]

# mmengine, mmcv, mmpretrain, mmdet and mmseg are found by their import names at run time: the maintained onedl forks, or the upstream
# packages where these are installed already. Both cannot live in one environment, so nothing here forces one on the other; the
# extras name the forks.
CLS = ['onedl-mmengine>=0.10.8', 'onedl-mmcv>=2.3.2', 'onedl-mmpretrain>=1.3.0']
DET = ['onedl-mmdetection>=3.5.0', 'pycocotools>=2.0.7']
SEG = ['onedl-mmsegmentation>=1.4.0']
ONNX = ['onnx>=1.16', 'onnxscript>=0.2', 'onnxruntime>=1.18']  # export_student --onnx
DOCS = ['sphinx>=8.1', 'myst-parser>=4.0', 'furo>=2024.8', 'latex2mathml>=3.77']  # make docs
DEV = [
    'pytest>=8',
    'pytest-timeout>=2.3',
    'pytest-xdist>=3.5',
    'ruff>=0.6',
    'mypy>=1.10',
    *ONNX,
    *DOCS,
]



class BuildWithConfigs(build_py):
    """Puts what mmengine.hub and mim look for into the wheel; a checkout has links to it in mmkd_ext/.mim."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib) / 'mmkd_ext/.mim'
        shutil.rmtree(mim, ignore_errors=True)  # of an earlier build
        for folder in ('configs', 'tools'):
            shutil.copytree(HERE / folder, mim / folder, ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy2(HERE / 'model-index.yml', mim)


setup(
    name='mmkd_ext',
    version=VERSION,
    description='Knowledge distillation for the OpenMMLab runner: TESKD, DSKD, ND loss, mutual learning',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    classifiers=[f'Programming Language :: Python :: 3.{minor}' for minor in (10, 11, 12)],
    cmdclass={'build_py': BuildWithConfigs},
    entry_points={'console_scripts': ['mmkd = mmkd_ext.commands.mmkd:main']},
    packages=find_packages(include=['mmkd_ext', 'mmkd_ext.*']),
    package_data={'mmkd_ext.report': ['*.html']},
    install_requires=[
        'torch>=2.5',
        'torchvision>=0.20',
        'timm>=1.0',
        'numpy>=1.24',
        'scikit-learn>=1.3',
        'scipy>=1.11',
        'matplotlib>=3.7',
        'jinja2>=3.1',
        'safetensors>=0.4',
        'tensorboard>=2.14',
    ],
    extras_require={'cls': CLS, 'det': CLS + DET, 'seg': CLS + SEG, 'onnx': ONNX, 'docs': DOCS, 'dev': DEV},
)
