"""A model of another processor: the last bit of floating-point results moves, deterministically by SHAKE_SEED.

With this folder on PYTHONPATH and SHAKE_SEED set, every Python process (Jupyter kernels and workers too) moves the results
of those operations of torch and numpy that may differ between processors by -1, 0 or +1 unit in the last place. What
happens to an element depends on the seed, the operation and the bits of the exact result, so that the same operation on
the same numbers gives the same answer, as on a real machine. Without SHAKE_SEED nothing happens.

SHAKE_OPS: `ieee` (only operations that really may differ), `default` (and division), `wide` (and +, -, ×, √). SHAKE_PLACE=1:
the place in the array counts, too, as with the last elements of a vectorised loop. SHAKE_MATH=1: also the functions of
`math`. SHAKE_NUMPY=0: torch only. SHAKE_SEED=none: the mode is on and moves nothing, a control. Exact values (0, 0.5, whole
numbers), copies, comparisons and random draws stay. numpy's `@` and methods such as `a.sum()` are not covered.
"""

import os
import sys

_SEED = os.environ.get("SHAKE_SEED", "")
_OPS = os.environ.get("SHAKE_OPS", "default")  # ieee | default | wide
_PLACE = int(os.environ.get("SHAKE_PLACE", "0"))  # 1: the position in the array counts, too

# May differ by vector width, FMA, order of summation or version of a vectorised function. Names without _ and overload.
_STRICT = set("""
    mm bmm addmm addbmm baddbmm addmv mv dot vdot inner matmul linear einsum tensordot addr
    exp exp2 expm1 log log1p log2 log10 sigmoid tanh sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh
    erf erfc erfinv lgamma digamma pow hypot rsqrt
    sum nansum mean nanmean prod var std var_mean std_mean cumsum cumprod logsumexp logcumsumexp logaddexp logaddexp2
    norm linalg_vector_norm linalg_matrix_norm dist cdist _cdist_forward _euclidean_dist
    softmax log_softmax _softmax _log_softmax _softmax_backward_data _log_softmax_backward_data
    sigmoid_backward tanh_backward log_sigmoid_forward log_sigmoid_backward softplus softplus_backward gelu gelu_backward
    silu silu_backward addcmul addcdiv lerp special_entr special_xlogy xlogy special_erf special_log_ndtr special_ndtr
    mse_loss mse_loss_backward huber_loss smooth_l1_loss binary_cross_entropy binary_cross_entropy_backward
    binary_cross_entropy_with_logits kl_div cov corrcoef trace
    linalg_solve linalg_solve_ex _linalg_solve_ex linalg_inv linalg_inv_ex linalg_lstsq linalg_qr linalg_eigh _linalg_eigh
    _linalg_svd linalg_svd linalg_cholesky linalg_cholesky_ex cholesky_solve _linalg_det linalg_det linalg_lu_factor
    _fft_r2c _fft_c2c _fft_c2r convolution native_layer_norm native_batch_norm
""".split())
_DIVISION = {"div", "reciprocal", "true_divide", "divide"}  # exact by IEEE 754, but compilers multiply by reciprocals
_WIDE = {"add", "sub", "rsub", "mul", "sqrt", "square"}  # exact everywhere: for a stronger shake than a processor's
_NAMES = _STRICT | (_DIVISION if _OPS != "ieee" else set()) | (_WIDE if _OPS == "wide" else set())
_EXACT_POWERS = {0, 1, 2, 3, 0.5, -1, -2, -0.5}  # torch writes these as products and square roots

_C = r"""
#include <stdint.h>
static inline uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15ULL; z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL; return z ^ (z >> 31);
}
/* A value whose low bits are all zero is taken for exact: 0, 0.5, whole numbers. Infinities and NaN stay, too. */
#define MOVE(T, U, LOW, EXP) \
    static inline U moved##T(U b, uint64_t key) { \
        uint64_t h = mix(key ^ mix((uint64_t)b) ^ mix(0)) >> 62; \
        U by = (U)(h == 0) - (U)(h == 1); \
        return b + ((b & LOW) != 0 && (b & EXP) != EXP ? by : 0); } \
    static inline void move##T(U *p, uint64_t key, uint64_t place) { \
        U b = *p; if (!(b & LOW) || (b & EXP) == EXP) return; \
        uint64_t h = mix(key ^ mix((uint64_t)b) ^ mix(place * 0xD1342543DE82EF95ULL)) >> 62; \
        if (h == 0) *p = b + 1; else if (h == 1) *p = b - 1; } \
    void shake##T(U *p, int dims, const int64_t *size, const int64_t *stride, uint64_t key, int place) { \
        int64_t at[16] = {0}, n = 1; int d; \
        for (d = 0; d < dims; d++) n *= size[d]; \
        int64_t span = 1; for (d = dims - 1; d >= 0 && (size[d] == 1 || stride[d] == span); d--) span *= size[d]; \
        if (d < 0 && !place) { for (int64_t i = 0; i < n; i++) p[i] = moved##T(p[i], key); return; } \
        for (int64_t i = 0; i < n; i++) { \
            int64_t where = 0; for (d = 0; d < dims; d++) where += at[d] * stride[d]; \
            move##T(p + where, key, place ? i + 1 : 0); \
            for (d = dims - 1; d >= 0; d--) { if (++at[d] < size[d]) break; at[d] = 0; } } }
MOVE(64, uint64_t, 0xFFFFFFULL, 0x7FF0000000000000ULL)
MOVE(32, uint32_t, 0xFFU, 0x7F800000U)
"""


def _library():
    """The compiled mover, or None where there is no C compiler (numpy does it then, more slowly)."""
    import ctypes
    import hashlib
    import subprocess
    import tempfile

    name = f"shake-{hashlib.sha256(_C.encode()).hexdigest()[:12]}.so"
    for folder in (tempfile.gettempdir(),):  # compiled for this very processor
        path = os.path.join(folder, name)
        try:
            if not os.path.exists(path):
                half = f"{path}.{os.getpid()}"
                subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-x", "c", "-", "-o", half],
                               input=_C.encode(), check=True, stderr=subprocess.DEVNULL)
                os.replace(half, path)
            return ctypes.CDLL(path)
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def _key(name):
    import zlib

    h = zlib.crc32(f"{_SEED}/{name}".encode()) | zlib.crc32(f"{name}/{_SEED}".encode()) << 32
    return h or 1


class _Mover:
    def __init__(self):
        import ctypes

        self.c, self.library, self.keys = ctypes, _library(), {}

    def key(self, name):
        if name not in self.keys:
            self.keys[name] = _key(name)
        return self.keys[name]

    def move(self, pointer, bits, size, stride, name):
        """Move the numbers of an array in memory; sizes and strides in elements."""
        dims = max(1, len(size))
        array = self.c.c_int64 * dims
        run = self.library.shake64 if bits == 64 else self.library.shake32
        run(self.c.c_void_p(pointer), len(size), array(*size), array(*stride), self.c.c_uint64(self.key(name)), _PLACE)

    def numpy(self, a, name):
        """Move a numpy array in place."""
        import numpy as np

        bits = a.dtype.itemsize * 8
        if self.library:
            self.move(a.ctypes.data, bits, a.shape, [s // a.dtype.itemsize for s in a.strides], name)
            return
        unsigned, low, exponent = ((np.uint64, 0xFFFFFF, 0x7FF0000000000000) if bits == 64
                                   else (np.uint32, 0xFF, 0x7F800000))
        b = a.view(unsigned)
        place = np.arange(1, a.size + 1, dtype=np.uint64).reshape(a.shape) if _PLACE else np.zeros((), np.uint64)
        with np.errstate(over="ignore"):
            h = _mix(np.uint64(self.key(name)) ^ _mix(b.astype(np.uint64))
                     ^ _mix(place * np.uint64(0xD1342543DE82EF95))) >> np.uint64(62)
        free = ((b & unsigned(low)) != 0) & ((b & unsigned(exponent)) != exponent)
        b += (free & (h == 0)).astype(unsigned)
        b -= (free & (h == 1)).astype(unsigned)


def _mix(z):
    import numpy as np

    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _shake_torch(torch):
    from torch.utils._python_dispatch import TorchDispatchMode

    mover, names, real, plain = _Mover(), {}, {torch.float64: 64, torch.float32: 32}, _SEED == "none"
    half = {torch.complex128, torch.complex64}

    def name_of(func):
        name = func._schema.name.split("::")[-1]
        while name not in _NAMES and name.endswith("_"):
            name = name[:-1]
        return name

    def moved(out, name):
        if isinstance(out, (tuple, list)):
            for one in out:
                moved(one, name)
        elif isinstance(out, torch.Tensor) and out.device.type == "cpu":
            if out.dtype in half:
                out = torch.view_as_real(out.resolve_conj())
            bits = real.get(out.dtype)
            if bits is None or not out.numel() or 0 in out.stride() and out.numel() > 1:
                return
            if mover.library:
                mover.move(out.data_ptr(), bits, tuple(out.shape), out.stride(), name)
            else:
                mover.numpy(out.detach().numpy(), name)

    class Shake(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            out = func(*args, **kwargs)
            name = names.get(func)
            if name is None:
                name = names[func] = name_of(func)
            if plain or name not in _NAMES and not (name in ("add", "sub") and kwargs.get("alpha", 1) != 1):
                return out
            if name == "pow" and isinstance(args[1], (int, float)) and args[1] in _EXACT_POWERS:
                return out
            moved(out, name)
            return out

    import threading

    Shake().__enter__()
    begin = threading.Thread._bootstrap_inner

    def bootstrap(thread):  # a mode holds for one thread
        Shake().__enter__()
        begin(thread)

    threading.Thread._bootstrap_inner = bootstrap


def _shake_numpy(np):
    mover = _Mover()

    def moved(out, name):
        if isinstance(out, tuple):
            done = [moved(one, name) for one in out]
            return type(out)(*done) if hasattr(out, "_fields") else tuple(done)
        if isinstance(out, np.ndarray) and out.dtype in (np.float64, np.float32):
            mover.numpy(out, name)
        elif isinstance(out, (np.float64, np.float32)):
            array = np.array([out])
            mover.numpy(array, name)
            return array[0]
        return out

    class Moved:
        """A function of numpy whose results are moved; all its attributes are the function's."""

        def __init__(self, function, name):
            self.__dict__.update(function=function, shaken=f"np.{name}", __doc__=function.__doc__, __name__=name)

        def __call__(self, *args, **kwargs):
            return moved(self.function(*args, **kwargs), self.shaken)

        def __getattr__(self, name):
            return getattr(self.function, name)

        def __reduce__(self):
            return self.function.__reduce__() if hasattr(self.function, "__reduce__") else self.function

    for home, names in ((np, "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh "
                             "dot inner vdot einsum tensordot mean std var average cumsum"),
                        (np.linalg, "solve inv lstsq eigh svd qr norm det pinv")):
        for name in names.split():
            setattr(home, name, Moved(getattr(home, name), name))


def _shake_math():
    import math
    import struct

    def shaken(function, name):
        key = _key(f"math.{name}")

        def call(*args):
            value = function(*args)
            (bits,) = struct.unpack("<Q", struct.pack("<d", value))
            if not bits & 0xFFFFFF or bits & 0x7FF0000000000000 == 0x7FF0000000000000:
                return value
            h = hash((key, bits)) >> 7 & 3
            return struct.unpack("<d", struct.pack("<Q", bits + (1 if h == 0 else -1 if h == 1 else 0)))[0]

        return call

    for name in "exp expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh pow hypot".split():
        setattr(math, name, shaken(getattr(math, name), name))


class _After:
    """Finds a module as the other finders do, and calls a function with it when it has been imported."""

    def __init__(self, hooks):
        self.hooks = hooks

    def find_spec(self, name, path=None, target=None):
        if name not in self.hooks:
            return None
        hook = self.hooks.pop(name)
        for finder in sys.meta_path:
            spec = None if finder is self or not hasattr(finder, "find_spec") else finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            hook(module)

        spec.loader.exec_module = exec_module
        return spec


if _SEED:
    sys.meta_path.insert(0, _After({"torch": _shake_torch} if _SEED == "none" or os.environ.get("SHAKE_NUMPY") == "0"
                                   else {"torch": _shake_torch, "numpy": _shake_numpy}))
    if os.environ.get("SHAKE_MATH") == "1":
        _shake_math()
