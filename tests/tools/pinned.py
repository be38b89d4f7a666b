# SPDX-License-Identifier: Apache-2.0
"""weir's pinned tables, read and written past weir: an independent look at what is in the kernel, and the hand of
somebody who should not have been there."""

import contextlib
import ctypes
import glob
import mmap
import os
import re
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_BPF = 321  # x86_64
LOOKUP, UPDATE, DELETE, NEXT_KEY, OBJ_GET, INFO = 1, 2, 3, 4, 7, 15


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(120, b"\0"), 120)
    result = LIBC.syscall(SYS_BPF, command, buffer, 120)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../maps/abi/base.h")) as header:
    ABI = int(re.search(r"define WEIR_ABI_VERSION (\d+)", header.read())[1])


# In a row of weir_svc_port: where the first of its two settings rows is.
SETTINGS = 24


def pins_of(lab):
    """The directory of this tree's pins; builds with other tables have theirs beside it."""
    return f"{lab.bpffs}/weir/v{ABI}"


class Table:
    def __init__(self, lab, name):
        (path,) = glob.glob(f"{lab.bpffs}/**/{name}", recursive=True)
        text = ctypes.create_string_buffer(path.encode())
        self.fd = bpf(OBJ_GET, struct.pack("<QII", ctypes.addressof(text), 0, 0))
        info = ctypes.create_string_buffer(96)
        bpf(INFO, struct.pack("<IIQ", self.fd, 96, ctypes.addressof(info)))
        _, _, self.key_size, self.value_size, self.rows = struct.unpack_from("<IIIII", info.raw)

    def memory(self):
        """An array's rows, one after the other, as the kernel sees them this very moment."""
        size = (self.rows * self.value_size + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE
        return mmap.mmap(self.fd, size)

    def _element(self, command, key, value, flags=0):
        key_buffer, value_buffer = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
        bpf(command, struct.pack("<IIQQQ", self.fd, 0, ctypes.addressof(key_buffer),
                                 ctypes.addressof(value_buffer) if value else 0, flags))
        return value_buffer.raw

    def get(self, key):
        return self._element(LOOKUP, key, bytes(self.value_size))

    def put(self, key, value):
        self._element(UPDATE, key, value)

    def delete(self, key):
        self._element(DELETE, key, b"")

    def items(self):
        found, key = {}, None
        while True:
            first = ctypes.create_string_buffer(key, len(key)) if key is not None else None
            after = ctypes.create_string_buffer(self.key_size)
            try:
                bpf(NEXT_KEY, struct.pack("<IIQQ", self.fd, 0, ctypes.addressof(first) if first else 0, ctypes.addressof(after)))
            except FileNotFoundError:
                return found
            key = after.raw
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                found[key] = self.get(key)

    def close(self):
        os.close(self.fd)
