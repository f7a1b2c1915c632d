"""What errors of a card mean, told by the very words that torch, CUDA and FAISS use; and a machine without one."""

from collections.abc import Sequence

import pytest
import torch

from model import gpu
from model.errors import DeviceProblem

NO_DRIVER = (
    "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from "
    "http://www.nvidia.com/Download/index.aspx"
)
TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by downloading "
    "and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to: "
    "https://pytorch.org to install a PyTorch version that has been compiled with your version of the CUDA driver."
)
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.80 GiB."
FAISS_FULL = (
    "Error in virtual void* faiss::gpu::StandardGpuResourcesImpl::allocMemory(const faiss::gpu::AllocRequest&) at "
    "StandardGpuResources.cpp:518: Error: 'err == cudaSuccess' failed: StandardGpuResources: alloc fail type FlatData "
    "dev 0 space Device stream 0x1 size 10240000000 bytes (cudaMalloc error out of memory [2])"
)
LOST = [
    "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported",
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: uncorrectable ECC error encountered",
    "CUDA error: device-side assert triggered",
    "CUDA error: unknown error",
]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError(NO_DRIVER), "there is no NVIDIA driver here: install one, or run without a GPU"),
        (RuntimeError(TOO_OLD), "older than this torch needs: update it"),
        (RuntimeError("CUDA driver version is insufficient for CUDA runtime version"), "update it"),
        (AssertionError("Torch not compiled with CUDA enabled"), "made for CPUs only"),
        (RuntimeError("No CUDA GPUs are available"), "pass one into the container"),
        (RuntimeError("CUDA error: invalid device ordinal"), "no GPU with that number"),
        (
            RuntimeError("CUDA error: no kernel image is available for execution on the device"),
            "does not support this GPU",
        ),
        (RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable"), "another process"),
        (RuntimeError("CUDA error: system not yet initialized"), "nvidia-fabricmanager"),
        (torch.OutOfMemoryError(FULL), "SKETCHSEEK_ENCODER_MEMORY_MB"),
        (RuntimeError(FAISS_FULL), "SKETCHSEEK_INDEX_MEMORY_MB"),
        *((RuntimeError(text), "is lost to this process: restart the process") for text in LOST),
    ],
)
def test_each_trouble_is_one_line_that_says_what_to_do(error: Exception, line: str) -> None:
    with pytest.raises(DeviceProblem) as told, gpu.explained():
        raise error
    assert line in str(told.value)
    assert "\n" not in str(told.value)


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), gpu.explained():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize(
    ("error", "memory", "fatal"),
    [
        (MemoryError(), True, False),
        (torch.OutOfMemoryError(FULL), True, False),
        (RuntimeError(FAISS_FULL), True, False),
        (RuntimeError(LOST[0]), False, True),
        (RuntimeError(NO_DRIVER), False, False),
        (ValueError("out of memory"), False, False),
    ],
)
def test_what_can_be_tried_again_with_less_and_what_cannot(
    error: Exception, memory: bool, fatal: bool
) -> None:
    assert gpu.is_out_of_memory(error) == memory
    assert gpu.is_fatal(error) == fatal


@pytest.mark.parametrize(
    ("error", "sizes", "failed"),
    [
        (MemoryError("no memory"), [5, 2, 2, 1, 1, 1], [3]),
        (ValueError("no number"), [5, 1, 1, 1, 1, 1], [3]),
        (RuntimeError(LOST[0]), [5], [0, 1, 2, 3, 4]),
    ],
)
def test_what_fails_of_a_batch_is_tried_in_parts_unless_the_card_is_lost(
    error: Exception, sizes: list[int], failed: list[int]
) -> None:
    tried: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        tried.append(len(items))
        if 3 in items:
            raise error
        return [10 * item for item in items]

    done = gpu.outcomes(work, range(5))
    assert done == [error if item in failed else 10 * item for item in range(5)]
    assert tried == sizes


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a card")
def test_a_machine_without_a_card_says_so() -> None:
    with pytest.raises(DeviceProblem, match="--engine auto"):
        gpu.find()
