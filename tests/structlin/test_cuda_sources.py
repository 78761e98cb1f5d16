"""Every CUDA source compiles to PTX, by NVRTC, which needs neither a GPU nor a driver."""

from __future__ import annotations

import ctypes
import importlib.util
import re
from pathlib import Path

import pytest

import structlin

folder = Path(structlin.__file__).parent / "_kernels"
sources = sorted(folder.glob("*.cu"))
architectures = ["compute_80", "compute_90"]

kernel_names = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\(.*?\)\s*)?(\w+)'
)
entries = re.compile(r"\.entry\s+(\w+)")
comments = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class Nvrtc:
    """The five calls of NVRTC that turn CUDA into PTX."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def call(self, name: str, *arguments) -> int:
        function = getattr(self.library, f"nvrtc{name}")
        function.restype = ctypes.c_int
        return function(*arguments)

    def text(self, name: str, program: ctypes.c_void_p) -> str:
        size = ctypes.c_size_t()
        assert self.call(f"Get{name}Size", program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert self.call(f"Get{name}", program, buffer) == 0
        return buffer.value.decode()

    def ptx(self, source: str, *options: str) -> str:
        """Compile; raise SyntaxError with the compiler's log where that fails."""
        program = ctypes.c_void_p()
        created = self.call(
            "CreateProgram", ctypes.byref(program), source.encode(), b"source.cu", 0, None, None
        )
        assert created == 0
        try:
            flags = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            if self.call("CompileProgram", program, len(options), flags) != 0:
                raise SyntaxError(self.text("ProgramLog", program))
            return self.text("PTX", program)
        finally:
            self.call("DestroyProgram", ctypes.byref(program))


@pytest.fixture(scope="module")
def nvrtc():
    found = importlib.util.find_spec("nvidia.cuda_nvrtc") if _has("nvidia") else None
    places = found.submodule_search_locations if found else []
    libraries = [path for place in places for path in Path(place, "lib").glob("libnvrtc.so.*")]
    if not libraries:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed (it exists for Linux on x86-64)")
    return Nvrtc(libraries[0])


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def kernels_of(source: str) -> set[str]:
    return set(kernel_names.findall(comments.sub("", source)))


def compiled(nvrtc: Nvrtc, source: str, real: str, architecture: str) -> set[str]:
    """Return the names of the kernels in the PTX."""
    return set(entries.findall(nvrtc.ptx(source, f"-DREAL={real}", f"-arch={architecture}")))


@pytest.mark.parametrize("architecture", architectures)
@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("path", sources, ids=lambda path: path.name)
def test_source_compiles_to_ptx(nvrtc, path, real, architecture):
    source = path.read_text(encoding="utf-8")
    assert kernels_of(source), f'{path.name} has no extern "C" __global__ void kernel'
    assert compiled(nvrtc, source, real, architecture) == kernels_of(source)


def test_every_cuda_source_was_found():
    tree = set(Path(structlin.__file__).parent.rglob("*.cu"))
    assert tree == set(sources), "CUDA sources live in structlin/_kernels"


good = """
// extern "C" __global__ void in_a_comment(void) {}
extern "C" __global__ void scale(REAL* x, REAL s, long n) {
    long i = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (i < n) x[i] *= s;
}
extern "C" __global__ void __launch_bounds__(256) shift(REAL* x, REAL s) { x[threadIdx.x] += s; }
"""


@pytest.mark.parametrize(("real", "letter"), [("float", "f32"), ("double", "f64")])
def test_the_tester_accepts_a_good_source(nvrtc, real, letter):
    assert kernels_of(good) == {"scale", "shift"} == compiled(nvrtc, good, real, "compute_80")
    assert f"mul.{letter}" in nvrtc.ptx(good, f"-DREAL={real}", "-arch=compute_80")


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (good.replace("x[i] *= s;", "x[i] *= s"), "expected a"),
        (good.replace("x[i] *= s;", "x[i] *= undefined_name;"), "undefined_name"),
        (good.replace("REAL s, long n", "REAL s"), '"n" is undefined'),
    ],
)
def test_the_tester_rejects_a_broken_source(nvrtc, broken, complaint):
    with pytest.raises(SyntaxError, match=complaint):
        compiled(nvrtc, broken, "float", "compute_80")


def test_the_tester_notices_a_kernel_that_is_not_exported(nvrtc):
    hidden = good.replace('extern "C" __global__ void scale', "__global__ void scale")
    assert kernels_of(hidden) == {"shift"}
    assert compiled(nvrtc, hidden, "float", "compute_80") != {"shift"}  # its name is mangled
