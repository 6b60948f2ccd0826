"""The fence around a student's code: limits of the system, and what Linux can forbid a process without any rights.

Runs in the process that is fenced, and knows nothing else of the package. `close` says what stands and what does not.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import sys

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

WHAT = {
    "memory": "memory is limited", "processor": "the processor's time is limited", "files": "the size of a file is limited",
    "hook": "Python refuses to write outside the folder, to start processes, and the network",
    "landlock": "the kernel refuses every write outside the folder",
    "seccomp": "the kernel refuses new processes, other programs, signals to others, and the network",
}
"""What each part of the fence does."""

_REFUSED = {
    **dict.fromkeys(("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
                     "os.startfile", "os.startfile/2", "pty.spawn"), "to start a process"),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), "to send a signal"),
    **dict.fromkeys(("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
                     "socket.gethostbyname", "socket.gethostbyaddr"), "to use the network"),
}
_PATHS = {"os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.mkdir": 1, "os.link": 2, "os.symlink": 2, "os.truncate": 1,
          "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.setxattr": 1, "os.removexattr": 1, "shutil.rmtree": 1,
          "shutil.chown": 1}
"""Events of Python's audit, and how many of their arguments begin with are paths that are changed."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def close(folder, *, memory, seconds, file_size, refused):
    """Fence this process in for good: it writes in `folder` alone. Returns which parts of `WHAT` stand.

    memory, file_size: bytes, memory beyond what is in use now. refused: called with what was tried, for what Python refuses.
    """
    stands = _limits(memory, seconds, file_size)
    _hook(os.path.realpath(folder), refused)
    stands.add("hook")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: what follows needs it, and it cannot be undone
        libc.capset(struct.pack("=II", 0x20080522, 0), bytes(24))  # root has no powers beyond those of an owner
        for name, part in (("landlock", lambda: _landlock(libc, folder)), ("seccomp", lambda: _seccomp(libc))):
            try:
                part()
                stands.add(name)
            except (OSError, KeyError):  # an older kernel, or one that another fence forbids it
                pass
    return sorted(stands)


def end_with_parent():
    """On Linux, let the kernel end this process when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def _limits(memory, seconds, file_size):
    stands = set()
    if resource is None:
        return stands
    wanted = [("processor", "RLIMIT_CPU", seconds), ("files", "RLIMIT_FSIZE", file_size), ("", "RLIMIT_CORE", 0)]
    if sys.platform == "linux":  # elsewhere the size of the address space is not held, or not known
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        wanted.append(("memory", "RLIMIT_AS", used + memory))
    for name, limit, value in wanted:
        number = getattr(resource, limit)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(number, (value, value))
            stands.add(name)
        except (ValueError, OSError):
            pass
    return stands - {""}


def _hook(folder, refused):
    """Python's own refusals. They say what was tried; code that goes around Python goes around them."""
    here, null, realpath, sep = folder + os.sep, os.devnull, os.path.realpath, os.sep

    def inside(path):
        if isinstance(path, int) or path is None:
            return True
        path = os.fsdecode(path)
        return path == null or (realpath(path) + sep).startswith(here)

    def refuse(what):
        refused(what)
        raise PermissionError(errno.EACCES, f"refused while grading: {what}")

    def hook(event, arguments):
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITES and not inside(path):
                refuse("to write outside its folder")
        elif event in _PATHS:
            if not all(map(inside, arguments[:_PATHS[event]])):
                refuse("to change files outside its folder")
        elif event in _REFUSED:
            refuse(_REFUSED[event])

    sys.addaudithook(hook)


# Landlock: rights to files that a process gives up, for itself and what it starts.

_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446
_FILE_RIGHTS = {1: sum(1 << bit for bit in (1, *range(4, 13))), 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""By version, the rights that change something: write, remove, make, refer, truncate, control a device."""
_ON_FILE = 1 << 1 | 1 << 14


def _landlock(libc, folder):
    version = libc.syscall(_RULESET, None, ctypes.c_long(0), ctypes.c_long(1))
    if version < 1:
        raise OSError("no Landlock")
    files = sum(rights for since, rights in _FILE_RIGHTS.items() if since <= version)
    network = 3 if version >= 4 else 0  # no TCP
    scope = 3 if version >= 6 else 0  # no abstract sockets and no signals outside
    attributes = struct.pack("=QQQ", files, network, scope)[:8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _call(libc, _RULESET, attributes, len(attributes), 0)
    for path, rights in ((folder, files), (os.devnull, files & _ON_FILE)):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        _call(libc, _ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    _call(libc, _RESTRICT, ruleset, 0)
    os.close(ruleset)


def _call(libc, number, *arguments):
    result = libc.syscall(*(ctypes.c_long(one) if isinstance(one, int) else one for one in (number, *arguments)))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


# seccomp: calls of the kernel that a process gives up. Numbers on x86-64 and on arm64, None where there is no such call.

_FORBIDDEN = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "kill": (62, 129),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "socket": (41, 198), "io_uring_setup": (425, 425), "memfd_create": (319, 279),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "truncate": (76, 45),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "shmget": (29, 194),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "setpriority": (141, 140),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "ioprio_set": (251, 30),
}
_CLONE, _CLONE3, _TGKILL, _PRLIMIT = (56, 220), (435, 435), (234, 131), (302, 261)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_ALLOW, _KILL, _DENY = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # where they lie in what a filter sees


def _seccomp(libc):
    column, machine = _MACHINES[platform.machine()]
    pid = os.getpid()
    code = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL),
            (_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _KILL)]
    # A thread is made by clone with a flag, once clone3, whose flags a filter cannot see, says that it does not exist.
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _DENY | errno.ENOSYS)]
    code += [(_EQUAL, 0, 4, _CLONE[column]), (_LOAD, 0, 0, _FIRST), (_HAS_BITS, 0, 1, 0x00010000), (_RETURN, 0, 0, _ALLOW),
             (_RETURN, 0, 0, _DENY | errno.EPERM)]
    for number, mine in ((_TGKILL, (pid,)), (_PRLIMIT, (0, pid))):  # for itself only
        code += [(_EQUAL, 0, len(mine) + 3, number[column]), (_LOAD, 0, 0, _FIRST)]
        code += [(_EQUAL, len(mine) - place, 0, one) for place, one in enumerate(mine)]
        code += [(_RETURN, 0, 0, _DENY | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    for numbers in _FORBIDDEN.values():
        if (one := numbers[column]) is not None:
            code += [(_EQUAL, 0, 1, one), (_RETURN, 0, 0, _DENY | errno.EPERM)]
    code.append((_RETURN, 0, 0, _ALLOW))
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(filters))
    if libc.prctl(22, 2, program, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "no seccomp")
