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

# The compiler that builds everything, whichever Go is installed: that one fetches it, as it fetches modules.
GO_RELEASE = "go1.26.10"
# One set of flags for every group: Go's build cache is shared between groups only then. Version control stamping is off
# because the checkout's commit would change the binary while the key stays the same. Debugging information
# would be made by the compiler and then dropped by the linker. Nothing is inlined (`-l`) but what the standard library
# calls of itself: a fifth of the compilers' time less, and etcd then takes 8 % more for a request.
BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false -l", "-gcflags=std=-dwarf=false")
# What Go reads from the environment or from `go env -w` and would change the binaries behind the key's back.
GO_ENVIRONMENT: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": GO_RELEASE,
    "GOWORK": "off",
}
GO_ENVIRONMENT_DROPPED = ("GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOBIN", "GOFIPS140", "GODEBUG")

# The module that holds most groups: with one version of each dependency, a package is compiled once for all of them.
_SHARED = "cluster"
# Parts of Tailscale that neither the test tailnet nor the sidecar uses; without them a third of its packages go.
_TAILSCALE_LEFT_OUT = (
    "ace appconnectors aws bird capture captiveportal cliconndiag clientupdate cloud colorable completion "
    "completion_scripts conn25 dbus debugeventbus debugportmapper desktop_sessions doctor drive flashappliance "
    "identityfederation linkspeed linuxdnsfight networkmanager portlist posture qrcodes relayserver remoteconfig "
    "resolved routecheck runtimemetrics sdnotify serviceclientprefs ssh synology syslog syspolicy systray taildrop "
    "tap tpm tundevstats wakeonlan webbrowser webclient"
)


class UpstreamError(Exception):
    """A program that cannot be had; the text says which one and why, and is meant for the terminal."""


@dataclass(frozen=True, slots=True)
class Group:
    """Programs that are built by one call of Go and kept together.

    `programs` maps each to its main package; one package can be several programs, which it tells apart by their name.
    `stamps` are linker settings `-X name=value`; a value may hold {version}, {number}, {major}, {minor} of `module`.
    `folder` is where its go.mod is, when it shares that with other groups.
    """

    name: str
    programs: Mapping[str, str]
    module: str
    stamps: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    tags: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Where the group's go.mod, go.sum and our own mains are."""
        return GO_DIRECTORY / (self.folder or self.name)

    @property
    def version(self) -> str:
        """The version that is pinned."""
        return pinned_version((self.directory / "go.mod").read_text(), self.module)

    @property
    def packages(self) -> tuple[str, ...]:
        """The main packages, each once."""
        return tuple(dict.fromkeys(self.programs.values()))

    def made_of(self, package: str) -> tuple[str, ...]:
        """The programs that a main package is."""
        return tuple(program for program, main in self.programs.items() if main == package)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that decide which files are compiled, for every verb of Go."""
        return (f"-tags={','.join(self.tags)}",) if self.tags else ()


# Without these a client is told v0.0.0-master and refuses or misjudges the server.
_KUBERNETES_STAMPS = {
    "k8s.io/component-base/version.gitVersion": "{version}",
    "k8s.io/component-base/version.gitMajor": "{major}",
    "k8s.io/component-base/version.gitMinor": "{minor}",
    "k8s.io/component-base/version.gitTreeState": "clean",
}
# In the order in which a cold `up` wants them.
_GROUPS = (
    Group("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3", folder=_SHARED),
    Group(
        "kubernetes",
        dict.fromkeys(
            ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"), "./cmd/kubernetes"
        ),
        "k8s.io/kubernetes",
        _KUBERNETES_STAMPS,
        _SHARED,
    ),
    # A main of our own with the few plugins that are needed: 800 packages in place of 1,400.
    Group("coredns", {"coredns": "./cmd/coredns"}, "github.com/coredns/coredns", folder=_SHARED),
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
        _SHARED,
        tuple(f"ts_omit_{part}" for part in _TAILSCALE_LEFT_OUT.split()),
    ),
    Group(
        "local-path-provisioner",
        {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        "github.com/rancher/local-path-provisioner",
        {"main.VERSION": "{version}"},
        _SHARED,
    ),
    Group(
        "helm",
        {"helm": "helm.sh/helm/v4/cmd/helm"},
        "helm.sh/helm/v4",
        {"helm.sh/helm/v4/internal/version.version": "{version}"},
        _SHARED,
    ),
    # Not wanted by an `up`: when somebody types one, unless it is installed.
    Group("kubectl", {"kubectl": "k8s.io/kubernetes/cmd/kubectl"}, "k8s.io/kubernetes", _KUBERNETES_STAMPS, _SHARED),
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


def build_arguments(group: Group, output: Path) -> tuple[str, ...]:
    """The arguments after `go` that build every program of the group into `output`.

    `-v` names each package on standard error as it is compiled, which is what the progress lines count.
    """
    flags = (*BUILD_FLAGS, *group.flags, "-ldflags", link_flags(group, group.version))
    return ("build", "-v", *flags, "-o", f"{output}/", *group.packages)


def built_name(package: str) -> str:
    """The file name `go build -o DIRECTORY/` gives a main package: its last element that is not a major version."""
    parts = [part for part in package.split("/") if part not in {"", "."}]
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) and len(parts) > 1 else parts[-1]


def sources(group: Group) -> tuple[Path, ...]:
    """The files that decide what is built for a group: go.mod, go.sum and our own Go files of its programs."""
    mains = (group.directory / package for package in group.packages if package.startswith("./"))
    own = (path for main in mains for path in main.rglob("*.go") if not path.name.endswith("_test.go"))
    return tuple(sorted({group.directory / "go.mod", group.directory / "go.sum", *own}))


def key(group: Group, platform: str) -> str:
    """Twelve hexadecimal digits that change whenever the group's build would. `platform` is such as `linux/amd64`."""
    digest = hashlib.sha256()
    facts = (platform, *BUILD_FLAGS, repr(sorted(GO_ENVIRONMENT.items())), repr(sorted(group.programs.items())))
    for fact in (*facts, *group.flags, group.module, repr(sorted(group.stamps.items()))):
        digest.update(fact.encode() + b"\0")
    for path in sources(group):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(group.directory)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]
