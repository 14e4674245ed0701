"""Faults of the operator and of the schema it works by."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

OPERATOR: Final = "services/operator/src/guildnet_operator"

PLANTS: Final = (
    Plant(
        "spec-mutations",
        "the args of a spec do not reach the container",
        f"{OPERATOR}/plan/manifests.py",
        "args=list(plan.args),",
        "args=[],",
    ),
    Plant(
        "policy-restarts",
        "settings of the install reach the pods of running workspaces at once",
        f"{OPERATOR}/plan/next_start.py",
        "its_own_change or before == template_hash(now) or never_ran()",
        "True",
    ),
    Plant(
        "exposure",
        "a domain is not compared with the hosts of the install",
        f"{OPERATOR}/plan/exposure.py",
        'host == entry.host or (domain == entry.host and entry.mode == "host")',
        "False",
    ),
    Plant(
        "rbac",
        "a role of the chart has one verb more than rights.yaml gives",
        "charts/guildnet/templates/_rights.tpl",
        "  verbs: {{ toJson .verbs }}",
        '  verbs: {{ toJson (append .verbs "delete") }}',
    ),
    Plant(
        "write-cost",
        "kopf writes an annotation to every Workspace it sees, twice",
        f"{OPERATOR}/watch/kopf_source.py",
        "        async def seen(event: Mapping[str, Any], **_: Any) -> None:\n",
        "        async def seen(event: Mapping[str, Any], meta: Any, patch: Any, **_: Any) -> None:\n"
        '            times = int(meta.annotations.get("example.com/seen", "0"))\n'
        "            if times < 2:\n"
        '                patch.meta["annotations"] = {"example.com/seen": str(times + 1)}\n',
        quick=True,
    ),
    Plant(
        "crash-plans",
        "a write that failed is not tried again",
        f"{OPERATOR}/reconcile.py",
        "return OUTAGE if any(map(_is_outage, errors)) else RETRY",
        "return SETTLED",
        quick=True,
    ),
    Plant(
        "status-truth",
        "what the API server says of a child is not told",
        f"{OPERATOR}/reconcile.py",
        "plan, result, state.told, ports)",
        "plan, result, (), ports)",
        quick=True,
    ),
    Plant(
        "rival",
        "what somebody undoes is put right every two seconds",
        f"{OPERATOR}/sync/brake.py",
        "MAX_PAUSE_SECONDS: Final = 75.0",
        "MAX_PAUSE_SECONDS: Final = 2.0",
        quick=True,
    ),
    Plant(
        "races",
        "a place counts only when its Deployment is written, not from when it is given",
        f"{OPERATOR}/admission.py",
        "        if ws.uid in self._given:\n",
        "        if not ws.uid:\n",
        quick=True,
    ),
    Plant(
        "races",
        "a launch takes a place of the api's count for good",
        "services/api/src/guildnet_api/access/admission.py",
        "            self._pending[owner] -= 1\n",
        "            self._pending[owner] -= 0\n",
        quick=True,
    ),
    Plant(
        "operator-scale",
        "every reconcile does work that nobody needs",
        f"{OPERATOR}/reconcile.py",
        "        began = time.perf_counter()\n        workspace =",
        "        began = time.perf_counter()\n        sum(range(500_000))\n        workspace =",
        quick=True,
    ),
    Plant(
        "ready-time",
        "the first probe that fails is repeated after ten seconds",
        f"{OPERATOR}/plan/defaults.py",
        "STARTUP: Final = Timing(period=1,",
        "STARTUP: Final = Timing(period=10,",
        quick=True,
        cluster=True,
    ),
    Plant(
        "reasons",
        "a container that ran out of memory is taken for one that ended",
        f"{OPERATOR}/status/diagnosis.py",
        'if last.reason == "OOMKilled":',
        'if last.reason == "OOM":',
        quick=True,
        cluster=True,
    ),
    Plant(
        "files",
        "a workspace without a volume says that its files are kept",
        f"{OPERATOR}/status/volume.py",
        "    if snapshot.plan.claim is None:\n        return LOST_ON_STOP",
        "    if snapshot.plan.claim is None:\n        return KEPT",
        cluster=True,
    ),
    Plant(
        "bad-input",
        "the schema takes two ports of one name",
        "charts/guildnet/templates/crds/workspaces.yaml",
        "self.all(p, !has(p.name) || self.exists_one(q, has(q.name) && q.name == p.name))",
        "self.all(p, !has(p.name) || p.name != '')",
        cluster=True,
    ),
)
