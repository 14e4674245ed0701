"""The proxy is in nginx's class: the short benchmark, each gate with its spread."""

from __future__ import annotations

from collections.abc import Sequence

from proofs import Figure
from proofs.bench import gates, report, run
from proofs.bench.gates import Verdict
from proofs.bench.mix.session import KINDS
from proofs.bench.written import written


def judged(verdicts: Sequence[Verdict]) -> Figure:
    """Met when each gate whose peer is here is met, and nginx is here."""
    counted = [item for item in verdicts if item.judged]
    missed = [item for item in counted if not item.met]
    absent = sorted({item.gate.peer for item in verdicts if not item.judged})
    ratios = [f"{item.gate.name} {item.found.median:.2f}{item.gate.unit}" for item in missed if item.found]
    unmeasured = [f"{item.gate.name} not measured" for item in missed if not item.found]
    text = f"{len(counted) - len(missed)} of {len(counted)} gates"
    if missed:
        text += f"; missed: {', '.join(ratios + unmeasured)}"
    if absent:
        text += f"; not available: {', '.join(absent)}"
    met = bool(counted) and not missed and "nginx" not in absent
    return Figure(text, met, [item.gate.name for item in missed])


def prove() -> Figure:
    try:
        found = run.run(run.QUICK)
    except run.NotHereError as error:
        return Figure(f"nothing was measured: {error}", met=False)
    verdicts = gates.judged(found.samples, found.versions)
    for item in verdicts:
        print(f"  {report.line(item)}")
    for kind in KINDS:
        print(f"  session of {kind}: {report.of_session(found.samples, kind, found.hits)}")
    if (others := report.busy(found.samples)) > report.QUIET:
        print(f"  the machine was busy: {others:.0%} of the proxies' core went to other work")
    _, path = written(run.QUICK, found)
    print(f"  {path}")
    return judged(verdicts)
