"""Batches are pickled as columns, and come back as what they were."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sizes import cases

from fastpix.job.items import Batch, Item, SourceFile

# Surrogates: a path need not be UTF-8, and is one string all the same.
texts = st.text(st.characters(max_codepoint=0xDFFF), max_size=8)
numbers = st.integers(-(2**63), 2**63 - 1)
files = st.builds(SourceFile, texts, texts, numbers, numbers, st.none() | texts)
items = st.builds(Item, texts, texts, st.lists(files, max_size=4).map(tuple))
batches = st.builds(Batch, numbers, texts, st.lists(items, max_size=5).map(tuple))


@settings(max_examples=cases(600))
@given(batch=batches, protocol=st.integers(2, pickle.HIGHEST_PROTOCOL))
def test_a_batch_comes_back_from_its_pickle(batch: Batch, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(batch, protocol))
    assert again == batch
    assert [type(item) for item in again.items] == [Item] * len(batch.items)
    assert [type(file) for item in again.items for file in item.files] == [SourceFile] * batch.files


@pytest.mark.parametrize("each", [0, 1, 3])
def test_items_keep_their_own_files(each: int) -> None:
    names = [f"{k:032x}" for k in range(4)]
    made = tuple(
        Item(name, name[:16], tuple(SourceFile(f"/{name}/{j}", f"{j}", 5, j) for j in range(each)))
        for name in names
    )
    again = pickle.loads(pickle.dumps(Batch(7, "s", made)))
    assert (again.generation, again.settings, again.items) == (7, "s", made)
    assert again.id == Batch(7, "s", made).id
