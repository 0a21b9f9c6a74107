"""UnlabelledFolder: the images of a folder, nested or not, without labels."""

from pathlib import Path
from typing import Any

from mmpretrain.datasets import CustomDataset

from mmkd_ext.registry import DATASETS


@DATASETS.register_module()
class UnlabelledFolder(CustomDataset):
    """Every image below a folder, in alphabetical order, whatever folders lie between; mmpretrain's `CustomDataset` without labels.

    Args:
        data_root: The folder.
        data_prefix: A folder in it.
        ann_file: A file in `data_root` that lists images by their paths in the folder, one a line; without it all are taken.
        **kwargs: As for `CustomDataset`: `pipeline`, `extensions`, `indices`.

    Raises:
        ValueError: No such folder, no image in it, or `with_label`.

    Example:
        >>> from PIL import Image
        >>> for name in ('b.png', 'walks/day 1/a.jpg'):
        ...     path = Path('photos', name)
        ...     path.parent.mkdir(parents=True, exist_ok=True)
        ...     Image.new('RGB', (8, 8)).save(path)
        >>> data = UnlabelledFolder(data_root='photos')
        >>> [Path(data.get_data_info(i)['img_path']).name for i in range(len(data))], 'gt_label' in data.get_data_info(0)
        (['b.png', 'a.jpg'], False)
    """

    def __init__(self, data_root: str = '', data_prefix: Any = '', ann_file: str = '', **kwargs: Any) -> None:
        if 'with_label' in kwargs:
            raise ValueError("UnlabelledFolder has no labels, got with_label: leave it out, or take mmpretrain's CustomDataset.")
        if not data_root and not data_prefix:
            raise ValueError("UnlabelledFolder needs data_root='FOLDER' of images, got none. Look at train_dataloader.dataset.")
        super().__init__(data_root=data_root, data_prefix=data_prefix, ann_file=ann_file, with_label=False, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """The paths of the images."""
        folder = self.img_prefix.rstrip('/')
        if '://' not in folder and not Path(folder).is_dir():
            raise ValueError(f'UnlabelledFolder needs a folder of images, got {folder}, which is not there. Look at data_root.')
        try:
            return super().load_data_list()
        except RuntimeError as error:  # mmpretrain's, of no file
            raise ValueError(
                f'UnlabelledFolder needs one image or more, got none below {folder}. Images end in '
                f'{", ".join(sorted(self.extensions))}; look at data_root and extensions.') from error
