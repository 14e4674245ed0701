"""The mutation gate itself: which changes it makes, what it takes for a kill, and that its accepted list is true."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest

from proofs.mutants import SAMPLE, chosen_of
from proofs.mutating import accepted
from proofs.mutating.accepted import Accepted
from proofs.mutating.coverage import Coverage
from proofs.mutating.operators import Mutant, mutants, mutated
from proofs.mutating.targets import TARGETS, source_of
from proofs.mutating.worker import outcome


def changes(source: str) -> set[str]:
    return {str(mutant) for mutant in mutants("m", source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"comparison: a < b → a <= b"}),
        ("a == b", {"comparison: a == b → a != b"}),
        ("a in b", {"comparison: a in b → a not in b"}),
        ("a is None", {"comparison: a is None → a is not None"}),
        ("0 < a <= 2", {
            "comparison: 0 < a <= 2 → 0 <= a <= 2", "comparison: 0 < a <= 2 → 0 < a < 2",
            "constant: 0 → 1", "constant: 2 → 3",
        }),
        ("a and b", {
            "and, or: a and b → a or b", "operand left out: a and b → a", "operand left out: a and b → b",
        }),
        ("not a", {"sign: not a → a"}),
        ("-a", {"sign: -a → a"}),
        ("a + b", {"operand left out: a + b → a"}),
        ("a - b", {"arithmetic: a - b → a + b"}),
        ("'%s' % a", {"constant: '%s' → ''"}),
        ("True", {"constant: True → False"}),
        ("f'{a} of'", {"constant: ' of' → ''"}),
        ("''", {"constant: '' → 'mutant'"}),
        ("b'x'", {"constant: b'x' → b''"}),
        ("a if b else c", {"condition turned round: b → not b"}),
        ("[a for a in b if c]", {"condition turned round: c → not c"}),
    ],
)  # fmt: skip
def test_the_changes_of_an_expression(source: str, expected: set[str]) -> None:
    found = changes(f"x = {source}")
    assert {change for change in found if not change.startswith("returns")} == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    return a", {"returns: return a → return None"}),
        ("def f():\n    return None", set()),
        ("def f():\n    return False", {"constant: False → True"}),
        ("def f():\n    g()", {"left out: g() → –"}),
        ("def f():\n    raise E", {"left out: raise E → –"}),
        ("def f():\n    a.b = c", {"left out: a.b = c → –"}),
        ("def f():\n    a = c", set()),
        ("for a in b:\n    continue", {"loop: continue → break"}),
        ("if a:\n    pass", {"condition turned round: a → not a"}),
        ("if a == b:\n    pass", {"comparison: a == b → a != b"}),
        ("if a < b:\n    pass", {"comparison: a < b → a <= b", "condition turned round: a < b → not a < b"}),
        ("match a:\n    case 'x' if b:\n        pass", {"constant: 'x' → ''", "condition turned round: b → not b"}),
    ],
)
def test_the_changes_of_a_statement(source: str, expected: set[str]) -> None:
    assert changes(source) == expected


def test_what_decides_nothing_is_left_alone() -> None:
    source = '''
"""Words."""
import a
Kind = Literal["x", "y"]
@dataclass(frozen=True)
class C(Base):
    """Words."""
    field: Literal["x"] | None
    """Words."""
    def f(self, x: Final["y"]) -> "C":
        """Words."""
'''
    assert changes(source) == set()


def test_a_change_is_known_by_its_line_wherever_that_moves_to() -> None:
    source = "def f(a):\n    return a < 1 or a < 1\n"
    moved = "import x\n\n\n" + source
    first, again = mutants("m", source), mutants("m", moved)
    assert [item.key for item in first] == [item.key for item in again]
    assert len({(item.key, item.after) for item in first}) == len(first)
    assert first[0].first != again[0].first
    assert {item.place for item in first} == {"f"}


@pytest.mark.parametrize("module", TARGETS)
def test_every_change_of_a_module_is_one_of_its_own_and_can_be_made(module: str) -> None:
    source = source_of(module).read_text()
    found = mutants(module, source)
    assert len({(item.key, item.after) for item in found}) == len(found)
    whole = ast.dump(ast.parse(source))
    for item in (found[0], found[len(found) // 2], found[-1]):
        tree = mutated(source, item.number)
        assert ast.dump(tree) != whole, item
        compile(tree, module, "exec")


def test_the_sample_is_the_same_every_time_and_no_larger_than_it_says() -> None:
    found = mutants(TARGETS[0], source_of(TARGETS[0]).read_text())
    sample = chosen_of(TARGETS[0], found, everything=False)
    assert (len(sample), sample) == (SAMPLE, chosen_of(TARGETS[0], found, everything=False))
    assert chosen_of(TARGETS[0], found, everything=True) == found
    assert chosen_of(TARGETS[0], found[:SAMPLE], everything=False) == found[:SAMPLE]


GOOD = {"code": 0, "ran": 3, "failed": [], "used": True}


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        (GOOD, "survived"),
        ({**GOOD, "code": 1, "failed": ["test"]}, "killed"),
        ({**GOOD, "code": 2, "ran": 0, "failed": ["file"]}, "killed"),
        ({**GOOD, "code": 1}, "broken"),
        ({**GOOD, "code": 4, "ran": 0}, "broken"),
        ({**GOOD, "code": 5, "ran": 0}, "broken"),
        ({**GOOD, "ran": 0}, "broken"),
        ({**GOOD, "used": False}, "broken"),
        ({**GOOD, "code": 1, "failed": ["test"], "used": False}, "broken"),
        ({"problem": "it ended early"}, "broken"),
        ({"slow": 30.0}, "slow"),
        ({"unswappable": True}, "unswappable"),
    ],
)
def test_a_kill_is_a_test_that_fails_with_the_change_in_force(told: dict[str, Any], ending: str) -> None:
    assert outcome(told, 1, 0.1).ending == ending


def test_a_line_is_tried_by_the_tests_that_reach_it_and_a_constant_by_all() -> None:
    coverage = Coverage(seconds={"a::slow": 2.0, "a::quick": 0.1, "b::one": 0.2, "b::beside": 0.3, "c::far": 0.4})
    coverage.lines["m"][3] |= {"a::slow", "a::quick"}
    coverage.lines["m"][9] |= {"b::one"}
    assert coverage.reaching("m", 2, 4, at_import=False) == ["a::quick", "a::slow"]
    assert coverage.reaching("m", 5, 8, at_import=False) == []
    assert coverage.reaching("m", 1, 1, at_import=True) == ["a::quick", "b::one", "b::beside", "a::slow"]
    assert coverage.reaching("n", 1, 9, at_import=True) == []


def entry_of(mutant: Mutant) -> Accepted:
    return Accepted(*mutant.key, "a reason")


def test_an_entry_that_fits_nothing_or_is_noticed_is_stale() -> None:
    first, second = mutants("m", "x = a < b\ny = 1\n")
    gone = replace(entry_of(first), line="x = a < c")
    assert accepted.stale([entry_of(first)], [first, second], [second]) == []
    assert "no such change" in accepted.stale([gone], [first, second], [])[0]
    assert "a test notices it" in accepted.stale([entry_of(first)], [first, second], [first])[0]


def test_every_accepted_change_is_one_of_today() -> None:
    found = [item for module in TARGETS for item in mutants(module, source_of(module).read_text())]
    assert accepted.stale(accepted.read(), found, []) == []
