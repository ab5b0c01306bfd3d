"""The programs that check what is deployed, built from the Go module proxy: ``python -m tests.deploy.tools [NAME…]``.

No release page is asked. Versions stand here; Go checks every module against its checksum database. What is built
stays in ``~/.cache/weir-tools``; a program of the same name on the path is not used, for its version is not ours.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CACHE: Final = Path.home() / ".cache" / "weir-tools"
PROGRAMS: Final = CACHE / "bin"
KUBERNETES: Final = "1.35.4"
_GO: Final = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, the module with its version, and how it is built there."""

    name: str
    module: str
    build: Callable[["Tool"], None]

    @property
    def path(self) -> Path:
        return PROGRAMS / self.name


def _go(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    command = ["go", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **_GO, **environment}, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _install(package: str) -> Callable[[Tool], None]:
    """``go install``, for modules that replace nothing."""

    def build(tool: Tool) -> None:
        version = tool.module.partition("@")[2]
        _go("install", f"{package}@{version}", GOBIN=str(PROGRAMS))

    return build


def _copy(package: str) -> Callable[[Tool], None]:
    """``go build`` in a copy of the module: one with ``replace`` or ``exclude`` cannot be installed from outside."""

    def build(tool: Tool) -> None:
        copy = CACHE / "src" / tool.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(module_directory(tool.module), copy)
        for path in (copy, *copy.rglob("*")):  # the module cache is read-only
            path.chmod(path.stat().st_mode | 0o200)
        _go("build", "-o", str(tool.path), package, cwd=copy)
        shutil.rmtree(copy)

    return build


def _kubernetes(package: str) -> Callable[[Tool], None]:
    """Build in a module of our own that requires Kubernetes: its staging modules are published under other versions."""

    def build(tool: Tool) -> None:
        home = CACHE / "src" / "kubernetes"
        if not (home / "go.mod").exists():
            home.mkdir(parents=True, exist_ok=True)
            source = module_directory(f"k8s.io/kubernetes@v{KUBERNETES}")
            minor = KUBERNETES.partition(".")[2]
            text = (source / "go.mod").read_text(encoding="utf-8")
            text = re.sub(r"^module .*$", "module weir.invalid/kubernetes", text, flags=re.MULTILINE)
            text = re.sub(r" v0\.0\.0$", f" v0.{minor}", text, flags=re.MULTILINE)
            text = re.sub(r"(\S+) => \./staging/src/\S+", rf"\1 => \1 v0.{minor}", text)
            text += f"\nrequire k8s.io/kubernetes v{KUBERNETES}\n"
            shutil.copyfile(source / "go.sum", home / "go.sum")
            (home / "go.sum").chmod(0o644)
            imports = ("kube-apiserver/app", "kubectl")
            lines = "".join(f'import _ "k8s.io/kubernetes/cmd/{name}"\n' for name in imports[:1])
            (home / "main.go").write_text(
                f'package main\n\n{lines}import _ "k8s.io/kubectl/pkg/cmd"\n\nfunc main() {{}}\n'
            )
            (home / "go.mod").write_text(text, encoding="utf-8")
            _go("mod", "tidy", "-e", cwd=home, GOFLAGS="-mod=mod -buildvcs=false")
        flags = f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES}"
        _go("build", "-ldflags", flags, "-o", str(tool.path), package, cwd=home, GOFLAGS="-mod=mod -buildvcs=false")

    return build


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool("helm", "helm.sh/helm/v3@v3.22.0", _install("helm.sh/helm/v3/cmd/helm")),
        Tool(
            "kubeconform",
            "github.com/yannh/kubeconform@v0.8.0",
            _install("github.com/yannh/kubeconform/cmd/kubeconform"),
        ),
        Tool("helm-unittest", "github.com/helm-unittest/helm-unittest@v1.1.2", _copy("./cmd/helm-unittest")),
        Tool("docker-compose", "github.com/docker/compose/v2@v2.40.3", _copy("./cmd")),
        Tool("kube-apiserver", f"k8s.io/kubernetes@v{KUBERNETES}", _kubernetes("k8s.io/kubernetes/cmd/kube-apiserver")),
        Tool("kubectl", f"k8s.io/kubernetes@v{KUBERNETES}", _kubernetes("k8s.io/kubernetes/cmd/kubectl")),
    )
}


def module_directory(module: str) -> Path:
    """Where the module cache has a module, fetched if it is not there yet."""
    return Path(json.loads(_go("mod", "download", "-json", module, GOWORK="off", cwd=_nowhere()))["Dir"])


def _nowhere() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE  # a folder without a go.mod: modules are fetched for themselves


def find(name: str) -> Path | None:
    """The program, if it was built."""
    path = TOOLS[name].path
    return path if path.exists() else None


def run(
    name: str, *arguments: object, stdin: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What one of the programs does with these arguments, within two minutes."""
    command = [str(TOOLS[name].path), *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=120, env=environment, check=False
    )


def main(names: list[str]) -> None:
    """Build what is missing, of these or of all."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for tool in (TOOLS[name] for name in names or TOOLS):
        if not tool.path.exists():
            print(f"building {tool.name} ({tool.module})…", flush=True)  # noqa: T201 - a program's output
            tool.build(tool)


if __name__ == "__main__":
    main(sys.argv[1:])
