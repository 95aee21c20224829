"""What can be read on the wire."""
import time

from Lab import traffic
from Lab.capture import Capture, Packet
from . import scenario
from .setups import INNER, Pair


@scenario("no plaintext leaves: what is sent inside is in no captured frame, what is sent outside is")
def no_plaintext(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    inside, outside = traffic.nonce(), traffic.nonce()
    with Capture(pair.b, "v0") as wire, Capture(pair.b, "wgb") as device:
        for version in (4, 6):
            for _ in range(20):
                traffic.send_datagram(pair.a, INNER[version][1], 9999, inside * 20)
        traffic.send_datagram(pair.a, pair.outer[1], 9999, outside * 20)  # the control
        traffic.tcp(pair.a, pair.b, INNER[4][1], 1 << 20)
        time.sleep(0.3)
        frames, delivered = wire.stop(), device.stop()
    assert any(outside in frame for frame in frames), "the probe outside the tunnel was not captured: nothing is shown"
    assert sum(inside in frame for frame in delivered) >= 40, "the probe did not arrive through the tunnel"
    assert not any(inside in frame for frame in frames), "the probe inside is readable on the wire"
    packets = [Packet(frame) for frame in frames]
    inner = {one for pair in INNER.values() for one in pair}
    assert not [one for one in packets if one.source in inner or one.destination in inner], "an inner address is on the wire"
    # Apart from the control, what travels between the nodes is the tunnel's: its ports and message types.
    other = [one for one in packets if one.source in pair.outer and one.is_udp and one.destination_port != 9999
             and not ({one.source_port, one.destination_port} == {51001, 51002} and one.payload[0] in (1, 2, 3, 4))]
    assert not other, f"{len(other)} packets are none of the tunnel's"


@scenario("nothing is answered to who is not authentic")
def silence(lab):
    pair = Pair(lab)
    traffic.require_reach(pair.a, INNER[4][1])
    stranger = ("10.9.0.1", 40_000)
    with Capture(pair.b, "v0") as capture:
        assert traffic.reaches(pair.a, INNER[4][1])
        real = [Packet(frame) for frame in capture.stop()]
    data = next(one.payload for one in real if one.is_udp and one.destination_port == 51002)
    with Capture(pair.b, "v0") as capture:
        for length in (0, 1, 31, 32, 64, 92, 148, 1400):
            for kind in (0, 1, 2, 3, 4, 5):
                traffic.send_datagram(pair.a, "10.9.0.2", 51002, (bytes([kind, 0, 0, 0]) + b"\x55" * 1400)[:length], stranger)
        traffic.send_datagram(pair.a, "10.9.0.2", 51002, data, stranger)
        traffic.send_datagram(pair.a, "10.9.0.2", 51003, b"closed", stranger)  # the control: a closed port answers
        time.sleep(0.3)
        packets = [Packet(frame) for frame in capture.stop()]
    answers = [one for one in packets if one.is_udp and one.source == "10.9.0.2" and one.destination_port == stranger[1]]
    assert any(one.protocol == 1 for one in packets), "the closed port did not answer: the capture shows nothing"
    assert not answers, f"{len(answers)} answers"
    traffic.require_reach(pair.a, INNER[4][1])
