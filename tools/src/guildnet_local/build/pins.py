"""Which upstream programs there are, how each is built, and under which key its build is kept.

Pure but for reading the checked-in go.mod directories. Versions are never written here: they come from the group's
go.mod, so that a pin is changed in one place.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GO_DIRECTORY = Path(__file__).parents[3] / "go"

# One set of flags for every group: Go's build cache is shared between groups only then. Version control stamping is off
# because the checkout's commit would change the binary while the key stays the same.
BUILD_FLAGS = ("-trimpath", "-buildvcs=false")
# What Go reads from the environment or from `go env -w` and would change the binaries behind the key's back.
GO_ENVIRONMENT: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}
GO_ENVIRONMENT_DROPPED = ("GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOBIN", "GOFIPS140", "GODEBUG")


class UpstreamError(Exception):
    """A program that cannot be had; the text says which one and why, and is meant for the terminal."""


@dataclass(frozen=True, slots=True)
class Group:
    """Programs that share one go.mod, because the versions of their dependencies agree.

    `stamps` are linker settings `-X name=value`; a value may hold {version}, {number}, {major}, {minor} of `module`.
    """

    name: str
    programs: Mapping[str, str]
    module: str
    stamps: Mapping[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """Where the group's go.mod, go.sum and our own mains are."""
        return GO_DIRECTORY / self.name


# In the order in which a cold `up` wants them.
_GROUPS = (
    Group("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3"),
    Group(
        "kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            )
        },
        "k8s.io/kubernetes",
        # Without these a client is told v0.0.0-master and refuses or misjudges the server.
        {
            "k8s.io/component-base/version.gitVersion": "{version}",
            "k8s.io/component-base/version.gitMajor": "{major}",
            "k8s.io/component-base/version.gitMinor": "{minor}",
            "k8s.io/component-base/version.gitTreeState": "clean",
        },
    ),
    Group(
        "helm",
        {"helm": "helm.sh/helm/v4/cmd/helm"},
        "helm.sh/helm/v4",
        {"helm.sh/helm/v4/internal/version.version": "{version}"},
    ),
    Group(
        "tailnet",
        {
            "tailscaled": "tailscale.com/cmd/tailscaled",
            "tailscale": "tailscale.com/cmd/tailscale",
            "containerboot": "tailscale.com/cmd/containerboot",
            "control-server": "./cmd/control-server",
            "acme-server": "./cmd/acme-server",
        },
        "tailscale.com",
        {"tailscale.com/version.shortStamp": "{number}", "tailscale.com/version.longStamp": "{number}"},
    ),
    # A main of our own with the few plugins that are needed: 800 packages in place of 1,400.
    Group("coredns", {"coredns": "./cmd/coredns"}, "github.com/coredns/coredns"),
    Group(
        "local-path-provisioner",
        {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        "github.com/rancher/local-path-provisioner",
        {"main.VERSION": "{version}"},
    ),
    Group("kind", {"kind": "sigs.k8s.io/kind"}, "sigs.k8s.io/kind"),
    Group(
        "kwok",
        {"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        "sigs.k8s.io/kwok",
        {"sigs.k8s.io/kwok/pkg/consts.Version": "{version}"},
    ),
    Group(
        "kubeconform",
        {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
        "github.com/yannh/kubeconform",
        {"main.version": "{version}"},
    ),
)
GROUPS: Mapping[str, Group] = {group.name: group for group in _GROUPS}
PROGRAMS: Mapping[str, Group] = {program: group for group in _GROUPS for program in group.programs}


def programs_of(names: Iterable[str]) -> tuple[str, ...]:
    """The programs meant by `names`, each a program or a group, in building order and once each.

    Raises UpstreamError for a name that is neither.
    """
    wanted: set[str] = set()
    for name in names:
        if name in GROUPS:
            wanted.update(GROUPS[name].programs)
        elif name in PROGRAMS:
            wanted.add(name)
        else:
            raise UpstreamError(f"no such program or group: {name!r} (there are {', '.join([*PROGRAMS, *GROUPS])})")
    return tuple(program for program in PROGRAMS if program in wanted)


def groups_of(programs: Iterable[str]) -> tuple[Group, ...]:
    """The groups that have to be built for `programs`, in building order."""
    wanted = {PROGRAMS[program].name for program in programs}
    return tuple(group for name, group in GROUPS.items() if name in wanted)


def pinned_version(go_mod: str, module: str) -> str:
    """The version of `module` that the text of a go.mod requires, such as `v1.35.4`."""
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)}\s+(v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise UpstreamError(f"go.mod does not require {module}")
    return found[1]


def required_go(go_mod: str) -> tuple[int, ...]:
    """The oldest Go that the text of a go.mod accepts, such as (1, 26, 0)."""
    found = re.search(r"^go\s+(\d+(?:\.\d+)*)", go_mod, re.MULTILINE)
    if found is None:
        raise UpstreamError("go.mod has no `go` line")
    return tuple(int(part) for part in found[1].split("."))


def go_release(version: str) -> tuple[int, ...]:
    """`go1.26.8` or `go1.27rc1 X:flags` as numbers; an unknown form (a development Go) counts as newer than any."""
    found = re.match(r"go(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else (999,)


def link_flags(group: Group, version: str) -> str:
    """The linker's flags: no symbol table, and the upstream's version where its build would have stamped it."""
    number = version.removeprefix("v")
    major, minor, *_ = number.split(".")
    values = {"version": version, "number": number, "major": major, "minor": minor}
    stamps = (f"-X {name}={value.format(**values)}" for name, value in sorted(group.stamps.items()))
    return " ".join(("-s", "-w", *stamps))


def build_arguments(group: Group, go_mod: str, output: Path) -> tuple[str, ...]:
    """The arguments after `go` that build every program of the group into `output`.

    `-v` names each package on standard error as it is compiled, which is what the progress lines count.
    """
    flags = link_flags(group, pinned_version(go_mod, group.module))
    return ("build", "-v", *BUILD_FLAGS, "-ldflags", flags, "-o", f"{output}/", *group.programs.values())


def built_name(package: str) -> str:
    """The file name `go build -o DIRECTORY/` gives a main package: its last element that is not a major version."""
    parts = [part for part in package.split("/") if part not in {"", "."}]
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) and len(parts) > 1 else parts[-1]


def sources(directory: Path) -> tuple[Path, ...]:
    """The files of a group that decide what is built: go.mod, go.sum and our own Go files."""
    own = (path for path in directory.rglob("*.go") if not path.name.endswith("_test.go"))
    return tuple(sorted({directory / "go.mod", directory / "go.sum", *own}))


def key(group: Group, go: str) -> str:
    """Twelve hexadecimal digits that change whenever the group's build would.

    `go` names the compiler and its platform, such as `go1.26.8 linux/amd64`.
    """
    digest = hashlib.sha256()
    facts = (go, *BUILD_FLAGS, repr(sorted(GO_ENVIRONMENT.items())), repr(sorted(group.programs.items())))
    for fact in (*facts, group.module, repr(sorted(group.stamps.items()))):
        digest.update(fact.encode() + b"\0")
    for path in sources(group.directory):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(group.directory)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]
