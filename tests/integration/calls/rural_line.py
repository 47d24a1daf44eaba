"""A booth behind a rural line: a network namespace that reaches this machine only through a line made in the test.

What a line does is done here to each packet between two TUN devices: a rate with a queue before it, a delay, a loss
that is the same every time, and an outage on command. It needs root, `ip` and /dev/net/tun, and no kernel module.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
PACKET_BYTES_MAX = 2048
QUEUE_BYTES_MAX = 64 * 1024
MTU_BYTES = 1400


@dataclass
class Way:
    """One direction of the line."""

    kbit_s: float
    delay_s: float
    loss: float
    free_at_s: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def arrival_s(self, size_bytes: int, now_s: float) -> float | None:
        """Return when a packet comes out at the other end, or None when it never does."""
        start_s = max(now_s, self.free_at_s)
        if (start_s - now_s) * self.kbit_s * 1000 / 8 + size_bytes > QUEUE_BYTES_MAX:
            return None
        self.free_at_s = start_s + size_bytes * 8 / self.kbit_s / 1000
        return None if self.dice.random() < self.loss else self.free_at_s + self.delay_s


class RuralLine:
    """The line, while its context lasts; packets are carried by the running event loop."""

    def __init__(self, namespace: str, subnet: str, up: Way, down: Way) -> None:
        self.namespace = namespace
        self.here = f"{subnet}.1"
        self.there = f"{subnet}.2"
        self.cut = False
        self._subnet = subnet
        self._loop = asyncio.get_running_loop()
        self._near = _open_tun("cvqnear")
        self._far = _open_tun("cvqfar")
        _ip(f"netns add {namespace}")
        _ip(f"addr add {self.here}/24 dev cvqnear")
        _ip(f"link set cvqnear mtu {MTU_BYTES} up")
        _ip(f"link set cvqfar netns {namespace}")
        _ip(f"-n {namespace} link set lo up")
        _ip(f"-n {namespace} addr add {self.there}/24 dev cvqfar")
        _ip(f"-n {namespace} link set cvqfar mtu {MTU_BYTES} up")
        _ip(f"-n {namespace} route add default dev cvqfar")
        self._loop.add_reader(self._far, self._carry, self._far, self._near, up)
        self._loop.add_reader(self._near, self._carry, self._near, self._far, down)

    def change_address(self) -> None:
        """Give the booth another address, as a consumer's router does in the night."""
        _ip(f"-n {self.namespace} addr del {self.there}/24 dev cvqfar")
        self.there = f"{self._subnet}.3"
        _ip(f"-n {self.namespace} addr add {self.there}/24 dev cvqfar")
        _ip(f"-n {self.namespace} route replace default dev cvqfar")

    def program(self, folder: Path, name: str, program: str) -> Path:
        """Write a script that runs `program` at the booth's end."""
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.namespace} {program} "$@"\n')
        script.chmod(0o700)
        return script

    def close(self) -> None:
        """Take the line down."""
        for device in (self._far, self._near):
            self._loop.remove_reader(device)
            os.close(device)
        _ip(f"netns del {self.namespace}")

    def _carry(self, source: int, target: int, way: Way) -> None:
        while True:
            try:
                packet = os.read(source, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            now_s = self._loop.time()
            arrival_s = None if self.cut else way.arrival_s(len(packet), now_s)
            if arrival_s is not None:
                self._loop.call_at(arrival_s, self._deliver, target, packet)

    def _deliver(self, target: int, packet: bytes) -> None:
        if not self.cut:
            try:
                os.write(target, packet)
            except OSError:
                return


@contextmanager
def rural_line(up_kbit_s: float, down_kbit_s: float, *, delay_s: float, loss: float) -> Iterator[RuralLine]:
    """Lay a line with these rates, one way's delay and the share of packets that it loses."""
    number = os.getpid()
    subnet = f"10.{100 + number % 100}.{number // 100 % 250}"
    line = RuralLine(f"cvq{number}", subnet, Way(up_kbit_s, delay_s, loss), Way(down_kbit_s, delay_s, loss))
    try:
        yield line
    finally:
        line.close()


def _open_tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_WITHOUT_HEADER))
    return device


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True, text=True)
