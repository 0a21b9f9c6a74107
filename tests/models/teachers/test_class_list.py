"""Classes by names, WordNet ids and other words."""

import pytest
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

from mmkd_ext.models.teachers.class_list import IMAGENET, ClassList, matches

IDS = ['n02979186', 'n01440764', 'n03394916']  # of Imagenette: cassette player, tench, French horn


def test_class_folders_called_by_wordnet_ids_are_imagenets_classes():
    assert IMAGENET == tuple(IMAGENET_CATEGORIES)
    assert matches(ClassList(IDS), ClassList(IMAGENET)) == [482, 0, 566]
    assert matches(ClassList(['French horn', 'tench']), ClassList(IDS)) == [2, 1]
    assert matches(ClassList(['crane', 'tench', 'tench']), ClassList(IMAGENET)) == [None, None, None]  # two cranes; one tench for two


def test_a_word_is_found_by_its_letters_before_any_other_way_to_write_it():
    classes = ClassList(['Cat', 'cat', 'black_dog'])
    assert classes.places('Cat') == [0] and classes.places('cat') == [1] and classes.places('CAT') == [0, 1]
    assert classes.places('Black - Dog ') == classes.places('black dog') == [2] and classes.places('dog') == []


def test_synonyms_of_imagenet_are_known_of_its_names_and_of_its_ids_and_of_no_others():
    assert ClassList(IMAGENET).places('Tinca tinca') == [0] and ClassList(['x', 'n01440764']).places('tench') == [1]
    assert ClassList(['tench', 'goldfish']).places('Tinca tinca') == []
    assert ClassList(['n01440764', 'n1', 'n99999999']).places('n99999999') == [2]


def test_the_surest_word_comes_first():
    assert ClassList(['n01440764']).words(0) == ('n01440764', 'n01440764', 'tench, Tinca tinca', 'tench', 'tench', 'Tinca tinca')
    assert ClassList(['cat', 7]).words(1) == ('7',)


def test_a_misspelt_word_has_words_near_it():
    assert ClassList(['cat', 'dog', 'owl']).near('cot') == ['cat'] and ClassList(['cat']).near('zebra') == []


@pytest.mark.parametrize(('mine', 'theirs', 'places'), [
    (['b', 'a', 'x'], ['a', 'b', 'c'], [1, 0, None]), (['a', 'A'], ['a', 'b'], [None, None]), ([], ['a'], []),
    (['a'], ['A', 'a '], [None])])
def test_classes_match_where_one_of_each_has_the_name(mine, theirs, places):
    assert matches(ClassList(mine), ClassList(theirs)) == places
