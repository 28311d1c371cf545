"""What the lab keeps, and what it refuses to keep."""

import pytest

from workbench.errors import RagtuneError
from workbench.settings import Settings


def test_a_reranker_that_is_not_there_is_refused_before_it_is_kept(tiny_lab):
    before = tiny_lab.settings
    with pytest.raises(RagtuneError, match="no reranker 'nonsense'"):
        tiny_lab.change_settings(Settings(model=before.model, reranker="nonsense"))
    assert tiny_lab.settings == before
    tiny_lab.change_settings(Settings(model=before.model, reranker=""))
    assert tiny_lab.settings.reranker == ""
