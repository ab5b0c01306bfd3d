import pytest


@pytest.fixture(scope="session")
def cuda():
    """A GPU that torch can use; without one the test is skipped. Torch is loaded here, not by all who collect tests."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU that torch can use")
    return torch
