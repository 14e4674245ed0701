"""The import contracts hold, and each would notice if it did not."""

from __future__ import annotations

import pytest

from support.contracts import PLANTS, Checkout, contracts


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def test_every_contract_has_a_planted_violation():
    assert set(PLANTS) == set(contracts())


def test_all_contracts_are_kept(checkout: Checkout):
    assert checkout.kept()


@pytest.mark.parametrize("id_", PLANTS)
def test_a_forbidden_import_is_noticed(checkout: Checkout, id_: str):
    assert checkout.kept(id_)
    assert checkout.catches(id_)
