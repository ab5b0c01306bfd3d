"""A real Kubernetes API server on loopback, with etcd behind it and no controllers: objects are checked, not run."""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from streams.local.ports import choose_port
from tests.deploy.tools import TOOLS

TOKEN = "weir-check"


@contextmanager
def api_server(directory):
    """Start etcd and kube-apiserver in ``directory``; gives the environment for kubectl and helm."""
    etcd = shutil.which("etcd")
    assert etcd, "etcd is missing: apt-get install etcd-server"
    client, peer, secure = choose_port(), choose_port(), choose_port()
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "sa.key").write_bytes(private)
    (directory / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
    started = [
        _start(
            directory, "etcd", etcd, "--unsafe-no-fsync", f"--data-dir={directory / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
        ),
        _start(
            directory, "apiserver", TOOLS["kube-apiserver"].path, f"--etcd-servers=http://127.0.0.1:{client}",
            f"--secure-port={secure}", "--bind-address=127.0.0.1", f"--cert-dir={directory / 'certs'}",
            "--service-cluster-ip-range=10.0.0.0/24", "--service-account-issuer=https://weir.invalid",
            f"--service-account-key-file={directory / 'sa.key'}",
            f"--service-account-signing-key-file={directory / 'sa.key'}",
            f"--token-auth-file={directory / 'tokens.csv'}", "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
        ),
    ]  # fmt: skip
    try:
        _wait(f"https://127.0.0.1:{secure}/readyz", started, directory)
        yield _environment(directory, f"https://127.0.0.1:{secure}")
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)


def _start(directory, name, *command):
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen([str(each) for each in command], stdout=log, stderr=log)


def _wait(url, started, directory):
    end = time.monotonic() + 120
    while True:
        try:
            if httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, verify=False, timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        for name, process in zip(("etcd", "apiserver"), started, strict=True):
            assert process.poll() is None, (directory / f"{name}.log").read_text()[-3000:]
        assert time.monotonic() < end, (directory / "apiserver.log").read_text()[-3000:]
        time.sleep(0.5)


def _environment(directory, url):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "check",
        "clusters": [{"name": "check", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": "check", "context": {"cluster": "check", "user": "admin"}}],
    }
    path = Path(directory) / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return {**os.environ, "KUBECONFIG": str(path), "HELM_CACHE_HOME": str(Path(directory) / "helm")}
