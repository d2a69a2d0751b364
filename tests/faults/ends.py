# SPDX-License-Identifier: GPL-2.0-or-later
"""A host and a controller with a peer behind it, at the two ends of attgate, that count.

Every link that comes up has a number of its own, and every PDU carries that and its place in the
order. So whoever receives knows what is missing, what came twice, and what belongs to a link that is
gone. Both sides keep to the credits of HCI and notice who does not.
"""
import collections
import os
import select
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ATTGATE = os.environ.get("ATTGATE", os.path.join(TOP, "build", "attgate"))
# Nothing moves for so long: it hangs. No other limit is a limit of time.
STANDSTILL = 60.0
# So much moves, and still not what is waited for: it hangs as well.
ENDLESS = 300_000

COMMAND, ACL, EVENT = 1, 2, 4
DISCONNECTION_COMPLETE, COMMAND_COMPLETE, COMMAND_STATUS, HARDWARE_ERROR, COMPLETED, LE_META = 5, 14, 15, 16, 19, 62
RESET, DISCONNECT, READ_ADDRESS, READ_BUFFERS, RAND = 0x0c03, 0x0406, 0x1009, 0x2002, 0x2018

BUFFERS = 8      # packets that the controller takes
DATA_LEN = 251   # octets of each
BACKLOG = 65536  # octets that an end has waiting before it says no more

WRITTEN, NOTIFIED = 0x0030, 0x0031  # handles of the attributes that the order is counted with
REFUSED, READ, OWN, FORBIDDEN = 0x0016, 0x0018, 0x0020, 0x0066
DISCOVERY = bytes.fromhex("100100ffff0028")  # Read By Group Type Request: primary services
CONTROLLER = bytes.fromhex("0100aa0000c0")  # its address

RULES = """
rule refuse when from == host and att.opcode == read_request and att.handle == 0x0016
	reject read_not_permitted
rule own when from == peer and att.opcode == read_request and att.handle == 0x0020 answer "attgate"
rule slow when from == host and att.opcode == read_request and att.handle == 0x0018 timeout 1s
rule bye when from == peer and att.opcode == write_command and att.handle == 0x0066 disconnect
"""


class Failure(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failure(message)


# ---- Packets ------------------------------------------------------------------------------------

def le16(number):
    return number.to_bytes(2, "little")


def event(code, data):
    return bytes([EVENT, code, len(data)]) + data


def command(opcode, data=b""):
    return bytes([COMMAND]) + le16(opcode) + bytes([len(data)]) + data


def connected(handle, number):
    """Vol 4 Part E, 7.7.65.1: central; the link's number is the peer's address."""
    return event(LE_META, bytes([1, 0]) + le16(handle) + bytes([0, 0]) + number.to_bytes(6, "little") +
                 bytes([24, 0, 0, 0, 42, 0, 0]))


def disconnected(handle):
    return event(DISCONNECTION_COMPLETE, b"\x00" + le16(handle) + b"\x13")


def completed(counts):
    return event(COMPLETED, bytes([len(counts)]) +
                 b"".join(le16(handle) + le16(count) for handle, count in counts))


def acl_packets(handle, pdu, start):
    """An ATT PDU in packets that fit the buffers."""
    data = le16(len(pdu)) + b"\x04\x00" + pdu
    for at in range(0, len(data), DATA_LEN):
        part = data[at:at + DATA_LEN]
        flags = 1 if at else start
        yield bytes([ACL]) + le16(handle | flags << 12) + le16(len(part)) + part


def numbered(opcode, attribute, link, place):
    """A PDU that carries its place; its length and its octets follow from that."""
    filling = bytes([place & 0xff]) * (place * 37 % 480 if place % 7 == 0 else place % 60)
    return (bytes([opcode]) + le16(attribute) + link.to_bytes(4, "little") + place.to_bytes(4, "little") +
            filling)


# ---- What is counted -----------------------------------------------------------------------------

class Way:
    """One direction: what was sent on each link, and what arrived, by the link's number."""

    def __init__(self, opcode, attribute):
        self.opcode, self.attribute = opcode, attribute
        self.sent, self.got = {}, {}
        self.all_sent = self.all_got = 0
        self.wrong = []

    def next(self, link):
        place = self.sent.get(link, 0)
        self.sent[link] = place + 1
        self.all_sent += 1
        return numbered(self.opcode, self.attribute, link, place)

    def arrived(self, pdu):
        link, place = int.from_bytes(pdu[3:7], "little"), int.from_bytes(pdu[7:11], "little")
        due = self.got.get(link, 0)
        if pdu != numbered(self.opcode, self.attribute, link, place):
            self.wrong.append(f"link {link}: PDU {place} is not as it was sent")
        elif place != due:
            self.wrong.append(f"link {link}: PDU {place} where {due} was due")
        self.got[link] = place + 1
        self.all_got += 1

    def missing(self, link=None):
        if link is not None:
            return self.sent.get(link, 0) - self.got.get(link, 0)
        return self.all_sent - self.all_got


class Book:
    def __init__(self):
        self.down = Way(0x52, WRITTEN)
        self.up = Way(0x1b, NOTIFIED)
        self.asked = self.answered = 0     # requests, of either side
        self.commands = self.replies = 0   # of the host
        self.links = 0
        self.wrong = []                    # against the rules of HCI and ATT

    def missing(self):
        return self.down.missing() + self.up.missing()

    def judge(self):
        """Nothing may have come twice, changed, or out of order, whatever the fault."""
        for found in (self.down.wrong, self.up.wrong, self.wrong):
            expect(not found, f"{len(found)} wrong, the first: {(found or [''])[0]}")


# ---- Ends ------------------------------------------------------------------------------------------

class Link:
    def __init__(self, handle, number):
        self.handle, self.number = handle, number
        self.partial = b""
        self.asking = None      # the request that is open
        self.asked_at = 0.0     # when it was sent
        self.outstanding = 0    # host: packets that were not completed


class End:
    """One end of a stream: packets in, packets out."""

    start = 0

    def __init__(self, sock, book):
        self.sock, self.book = sock, book
        sock.setblocking(False)
        self.out, self.input = bytearray(), bytearray()
        self.links = {}
        self.closed = False
        self.talking = False
        self.turn = 0
        self.may_race = False   # PDUs and completions of a link may be met on the next one of its handle
        self.may_answer = False # requests are sent that the book does not know
        self.unjudged = 0       # requests that attgate answers, while it can
        # the last requests that were answered, when they were sent, and how long that took
        self.waited = collections.deque(maxlen=1000)

    def put(self, data):
        self.out += data

    def flush(self):
        try:
            while self.out:
                del self.out[:self.sock.send(self.out[:1 << 16])]
        except BlockingIOError:
            pass
        except OSError:
            self.out.clear()

    def pull(self):
        """@return: whether anything came"""
        try:
            data = self.sock.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return True
        self.input += data
        at = 0
        while True:
            size = self.packet_len(at)
            if size is None or at + size > len(self.input):
                break
            self.take(bytes(self.input[at:at + size]))
            at += size
        del self.input[:at]
        return True

    def packet_len(self, at):
        left = len(self.input) - at
        kind = self.input[at] if left else 0
        if left and kind not in (COMMAND, ACL, EVENT):
            raise Failure(f"a packet of type {kind}")
        if left < (5 if kind == ACL else 4 if kind == COMMAND else 3):
            return None
        if kind == ACL:
            return 5 + int.from_bytes(self.input[at + 3:at + 5], "little")
        return 4 + self.input[at + 3] if kind == COMMAND else 3 + self.input[at + 2]

    def take(self, packet):
        if packet[0] == COMMAND:
            self.on_command(int.from_bytes(packet[1:3], "little"), packet[4:])
        elif packet[0] == EVENT:
            self.on_event(packet[1], packet[3:])
        else:
            self.on_acl(int.from_bytes(packet[1:3], "little"), packet[5:])

    def on_command(self, opcode, data):
        raise Failure(f"a command {opcode:#06x} at the host")

    def on_event(self, code, data):
        raise Failure(f"an event {code} at the controller")

    def on_acl(self, head, data):
        link = self.links.get(head & 0xfff)
        if not link:
            return
        link.partial = data if head >> 12 & 3 != 1 else link.partial + data
        if len(link.partial) >= 4:
            size = 4 + int.from_bytes(link.partial[:2], "little")
            if len(link.partial) >= size:
                pdu, link.partial = link.partial[4:size], b""
                self.on_att(link, pdu)

    def on_att(self, link, pdu):
        raise NotImplementedError

    def ask(self, link, attribute):
        self.request(link, b"\x0a" + le16(attribute))

    def request(self, link, pdu):
        if not link.asking:
            link.asking, link.asked_at = pdu, time.monotonic()
            self.book.asked += 1
            self.send_att(link, pdu)

    def got_answer(self, link):
        if not link.asking:
            if not self.may_race and not self.may_answer:
                self.book.wrong.append("an answer to nothing")
            return
        self.waited.append((link.asking, link.asked_at, time.monotonic() - link.asked_at))
        link.asking = None
        self.book.answered += 1

    def send_att(self, link, pdu):
        for packet in acl_packets(link.handle, pdu, self.start):
            self.put(packet)

    def close(self):
        self.sock.close()
        self.closed = True


class Controller(End):
    """With a peer behind every link."""

    start = 2

    def __init__(self, sock, book):
        super().__init__(sock, book)
        self.held = []          # handles of packets in its buffers
        self.completes = True
        self.replies = True     # to commands
        self.answers = True     # the peer, to reads
        self.withheld = []      # links on which it does not
        self.commands = 0
        self.resets = 0

    def connect(self, handle):
        self.book.links += 1
        self.links[handle] = Link(handle, self.book.links)
        self.put(connected(handle, self.book.links))
        return self.links[handle]

    def fail(self):
        """Lose everything, and say so (Vol 4 Part E, 7.7.16)."""
        self.links.clear()
        self.held.clear()
        self.put(event(HARDWARE_ERROR, b"\x01"))

    def disconnect(self, handle):
        self.links.pop(handle, None)
        self.held = [one for one in self.held if one != handle]
        self.put(disconnected(handle))

    def on_command(self, opcode, data):
        self.commands += 1
        if not self.replies:
            return
        result = b"\x00"
        if opcode == RESET:
            self.resets += 1
            self.links.clear()
            self.held.clear()
        elif opcode == READ_ADDRESS:
            result += CONTROLLER
        elif opcode == READ_BUFFERS:
            result += le16(DATA_LEN) + bytes([BUFFERS])
        elif opcode == DISCONNECT:
            self.put(event(COMMAND_STATUS, b"\x00\x01" + le16(opcode)))
            self.disconnect(int.from_bytes(data[:2], "little"))
            return
        self.put(event(COMMAND_COMPLETE, b"\x01" + le16(opcode) + result))

    def on_acl(self, head, data):
        if head & 0xfff in self.links:
            self.held.append(head & 0xfff)
            if len(self.held) > BUFFERS and not self.may_race:
                self.book.wrong.append("more packets than the controller has buffers for")
        super().on_acl(head, data)

    def on_att(self, link, pdu):
        if pdu[0] == 0x52:
            self.book.down.arrived(pdu)
        elif pdu[0] == 0x0a:
            if self.answers:
                self.send_att(link, b"\x0b" + b"peer")
            else:
                self.withheld.append(link)
        elif pdu[0] == 0x10:
            # every peer has other services
            self.send_att(link, b"\x11\x06" + b"".join(
                le16(16 * at + 1) + le16(16 * at + 16) + le16(0x1800 + (link.number + at) % 64)
                for at in range(16)))
        elif pdu[0] in (0x01, 0x0b):
            self.got_answer(link)
        else:
            self.book.wrong.append(f"opcode {pdu[0]:#04x} at the controller")

    def answer_late(self):
        self.answers = True
        for link in self.withheld:
            self.send_att(link, b"\x0b" + b"peer")
        self.withheld.clear()

    def complete(self):
        if self.held and self.completes:
            counts = [(handle, self.held.count(handle)) for handle in sorted(set(self.held))]
            self.held.clear()
            self.put(completed(counts))

    def talk(self):
        self.complete()
        if not self.talking or len(self.out) > BACKLOG:
            return
        for link in self.links.values():
            self.turn += 1
            for _ in range(8):
                self.send_att(link, self.book.up.next(link.number))
            if self.turn % 5 == 0:
                self.ask(link, OWN)


class Host(End):
    def __init__(self, sock, book):
        super().__init__(sock, book)
        self.ready = False      # reset and buffers known
        self.command_open = False
        self.unknown = 0        # completions for handles of no link

    def begin(self):
        self.ready = False
        self.command_open = True
        self.links.clear()
        self.put(command(RESET))

    def order(self, opcode=RAND):
        self.command_open = True
        self.book.commands += 1
        self.put(command(opcode))

    def on_event(self, code, data):
        if code == COMMAND_COMPLETE:
            self.on_reply(int.from_bytes(data[1:3], "little"))
        elif code == HARDWARE_ERROR:
            self.begin()
        elif not self.ready:
            return  # of a time that is over
        elif code == LE_META and data[0] == 1:
            handle = int.from_bytes(data[2:4], "little")
            self.links[handle] = Link(handle, int.from_bytes(data[6:12], "little"))
        elif code == DISCONNECTION_COMPLETE:
            self.links.pop(int.from_bytes(data[1:3], "little"), None)
        elif code == COMPLETED:
            for at in range(1, len(data), 4):
                self.on_completed(int.from_bytes(data[at:at + 2], "little"),
                                  int.from_bytes(data[at + 2:at + 4], "little"))

    def on_reply(self, opcode):
        self.command_open = False
        if opcode == RESET:
            self.put(command(READ_ADDRESS))
            self.command_open = True
        elif opcode == READ_ADDRESS:
            self.put(command(READ_BUFFERS))
            self.command_open = True
        elif opcode == READ_BUFFERS:
            self.ready = True
        elif opcode == RAND:
            self.book.replies += 1
        else:
            self.book.wrong.append(f"a reply to {opcode:#06x}, which the host did not send")

    def on_completed(self, handle, count):
        link = self.links.get(handle)
        if not link:
            self.unknown += 1
            return
        if count > link.outstanding and not self.may_race:
            self.book.wrong.append("more packets completed than were sent")
        link.outstanding = max(0, link.outstanding - count)

    def on_att(self, link, pdu):
        if not self.ready:
            return
        if pdu[0] == 0x1b:
            self.book.up.arrived(pdu)
        elif pdu[0] in (0x01, 0x0b, 0x11):
            self.got_answer(link)
        elif pdu[0] == 0x0a:
            self.unjudged += 1
        else:
            self.book.wrong.append(f"opcode {pdu[0]:#04x} at the host")

    def credits(self):
        return BUFFERS - sum(link.outstanding for link in self.links.values())

    def send_att(self, link, pdu):
        link.outstanding += -(-(len(pdu) + 4) // DATA_LEN)
        super().send_att(link, pdu)

    def talk(self):
        if not self.talking or not self.ready or len(self.out) > BACKLOG:
            return
        if not self.command_open:
            self.order()
        for link in list(self.links.values()):
            self.turn += 1
            if self.credits() >= 1 and self.turn % 15 == 0:
                self.request(link, DISCOVERY)
            elif self.credits() >= 1 and self.turn % 3 == 0:
                self.ask(link, READ if self.turn % 2 else REFUSED)
            # the longest PDU is three packets
            while self.credits() >= 3:
                self.send_att(link, self.book.down.next(link.number))
                if len(self.links) > 1 and self.credits() < BUFFERS // 2:
                    break


# ---- The program between them -------------------------------------------------------------------

class World:
    """attgate, and who is connected to it at the moment."""

    def __init__(self, directory, *arguments, wrap=(), rules=RULES):
        self.directory, self.arguments, self.wrap = directory, arguments, list(wrap)
        self.rules = self.path("rules")
        self.log = self.path("log")
        self.book = Book()
        self.host = self.controller = self.process = None
        self.write_rules(rules)
        self.start()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_rules(self, text):
        with open(self.rules + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(self.rules + ".new", self.rules)

    def start(self):
        with open(self.log, "ab") as log:
            # pylint: disable=consider-using-with # end() and kill() end it
            self.process = subprocess.Popen(
                [*self.wrap, ATTGATE, "run", "--rules", self.rules, *self.arguments,
                 "--controller", "unix-listen:" + self.path("c"), "--host", "unix-listen:" + self.path("h")],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def logged(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def dial(self, name):
        limit = time.monotonic() + STANDSTILL
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self.path(name))
                return sock
            except OSError:
                sock.close()
                expect(self.process.poll() is None, f"attgate ended: {self.logged()[-2000:]}")
                expect(time.monotonic() < limit, f"nobody listens at {name}")
                time.sleep(0.01)

    def connect(self, links=2):
        """Both ends, a host that has set up its controller, and some links that both know of."""
        self.controller = Controller(self.dial("c"), self.book)
        self.host = Host(self.dial("h"), self.book)
        self.begin(links)

    def begin(self, links=2):
        self.host.begin()
        self.link_up(links)

    def link_up(self, links=2):
        """Some links, as soon as the host has set up its controller."""
        self.spin(lambda: self.host.ready)
        for number in range(links):
            self.controller.connect(0x40 + number)
        self.spin(lambda: len(self.host.links) == links)

    def talk(self, yes=True):
        self.host.talking = self.controller.talking = yes

    def spin(self, done, seconds=None):
        """Let both ends go on until something is so, or for some time."""
        limit = time.monotonic() + (seconds or STANDSTILL)
        endless = self.book.up.all_sent + ENDLESS
        while not done():
            if self.book.up.all_sent > endless and not seconds:
                raise Failure(f"what is waited for does not come; {self.state()}")
            moved = self.step(0.02 if seconds else 0.2)
            if moved and not seconds:
                limit = time.monotonic() + STANDSTILL
            elif time.monotonic() > limit:
                if seconds:
                    return
                raise Failure(f"nothing moves; {self.state()}; the log ends {self.logged()[-600:]}")

    def step(self, wait):
        ends = [end for end in (self.host, self.controller) if not end.closed]
        for end in ends:
            end.talk()
        readable, writable, _ = select.select(
            [end.sock for end in ends], [end.sock for end in ends if end.out], [], wait)
        for end in ends:
            if end.sock in writable:
                end.flush()
            if end.sock in readable:
                end.pull()
        return bool(readable or writable)

    def state(self):
        book = self.book
        links = [f"{link.handle:#x}: {link.outstanding}{' asking' if link.asking else ''}"
                 for end in (self.host, self.controller) for link in end.links.values()]
        return (f"missing {book.down.missing()} down, {book.up.missing()} up, "
                f"{book.asked - book.answered} answers, {book.commands - book.replies} replies; "
                f"{len(self.controller.held)} packets held; links {', '.join(links)}")

    def exchange(self, count):
        """Let so many PDUs arrive, at each end."""
        down, up = self.book.down, self.book.up
        to = [way.all_got + count for way in (down, up)]
        self.talk()
        self.spin(lambda: down.all_got >= to[0] and up.all_got >= to[1])

    def say(self):
        """Have both ends say what the sockets take, now."""
        self.talk()
        for end in (self.host, self.controller):
            for _ in range(20):
                end.talk()
            end.flush()

    def settle(self, lost=0):
        """Say no more, and wait until everything has arrived but what the faults have lost."""
        self.talk(False)
        expect(not self.host.unjudged, f"{self.host.unjudged} requests went by unjudged")
        self.spin(lambda: self.book.missing() == lost and not self.open())
        self.book.judge()

    def met(self, link):
        """The same link at the host, which hears of it now."""
        links = self.host.links
        self.spin(lambda: link.handle in links and links[link.handle].number == link.number)
        return links[link.handle]

    def open(self):
        """Whether anything waits for its answer or its completion."""
        return (self.host.command_open or self.controller.held or
                any(link.asking or link.outstanding for end in (self.host, self.controller)
                    for link in end.links.values()))

    def gone(self):
        """What links that have ended took with them on its way to the controller; all that came from
        it came before the end."""
        self.talk(False)
        self.spin(lambda: self.book.up.missing() == 0 and not self.host.out)
        return self.lost_with_links()

    def lost_with_links(self):
        """What has not arrived at the controller, of links that have ended."""
        up = {link.number for link in self.controller.links.values()}
        return sum(self.book.down.missing(number) for number in self.book.down.sent if number not in up)

    def hang_up(self):
        """Read what still comes at the ends, and close them."""
        self.talk(False)
        for end in (self.host, self.controller):
            if not end.closed:
                self.spin(lambda end=end: end.closed)
        self.host.close()
        self.controller.close()

    def hang_up_now(self):
        """Close both ends; there is nothing on its way."""
        self.host.close()
        self.controller.close()

    def memory(self):
        """KiB resident, and descriptors."""
        with open(f"/proc/{self.pid()}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        return resident, len(os.listdir(f"/proc/{self.pid()}/fd"))

    def pid(self):
        return self.process.pid

    def signal(self, number):
        os.kill(self.pid(), number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """In order; it must succeed."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(STANDSTILL)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failure("it does not end") from None
        expect(self.process.returncode == 0,
               f"exit status {self.process.returncode}: {self.logged()[-2000:]}")

    def clear(self):
        if self.process.poll() is None:
            self.kill()
        for end in (self.host, self.controller):
            if end:
                end.close()
