"""Captures: every frame that passes an interface, read from a packet socket."""
import socket
import struct
import threading

ALL_PROTOCOLS, ADD_MEMBERSHIP, PROMISCUOUS = 3, 1, 1
PACKET_LEVEL = 263


class Capture:
    """Frames of one interface from now on, until `stop`. `with Capture(node, "v0") as frames: …`"""

    def __init__(self, node, interface, limit=200_000):
        self.frames, self.limit = [], limit
        with node:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            self.socket.bind((interface, ALL_PROTOCOLS))
        self.socket.settimeout(0.1)
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            try:
                frame = self.socket.recv(70_000)
            except TimeoutError:
                if self.is_over.is_set():
                    return
                continue
            except OSError:
                return
            if len(self.frames) < self.limit:
                self.frames.append(frame)

    def stop(self):
        """Ends the capture after what has come is read; raises when the kernel had to drop frames."""
        self.is_over.set()
        self.thread.join()
        received, dropped = struct.unpack("II", self.socket.getsockopt(PACKET_LEVEL, 6, 8))
        self.socket.close()
        if dropped:
            raise OSError(f"the capture lost {dropped} of {received} frames: it proves nothing")
        return self.frames

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.is_over.is_set():
            self.stop()


class Packet:
    """What a frame holds, as far as the scenarios ask."""

    def __init__(self, frame):
        self.frame, self.source, self.destination, self.protocol, self.payload = frame, None, None, None, b""
        self.traffic_class, self.source_port, self.destination_port = 0, None, None
        kind = int.from_bytes(frame[12:14], "big")
        if kind == 0x0800 and len(frame) >= 34:
            header = (frame[14] & 15) * 4
            self.source, self.destination = (socket.inet_ntop(socket.AF_INET, frame[at:at + 4]) for at in (26, 30))
            self.protocol, self.traffic_class = frame[23], frame[15]
            self.payload = frame[14 + header:14 + int.from_bytes(frame[16:18], "big")]
        elif kind == 0x86dd and len(frame) >= 54:
            self.source, self.destination = (socket.inet_ntop(socket.AF_INET6, frame[at:at + 16]) for at in (22, 38))
            self.protocol = frame[20]
            self.traffic_class = (int.from_bytes(frame[14:16], "big") >> 4) & 255
            self.payload = frame[54:]
        if self.protocol == socket.IPPROTO_UDP and len(self.payload) >= 8:
            self.source_port, self.destination_port = struct.unpack("!HH", self.payload[:4])
            self.payload = self.payload[8:]

    @property
    def is_udp(self):
        return self.protocol == socket.IPPROTO_UDP
