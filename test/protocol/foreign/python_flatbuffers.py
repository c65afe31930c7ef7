"""A client made of Python's `websockets` and what flatc generates from rotunda.fbs alone:
python_flatbuffers.py <folder of generated code> <ws url>"""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])

import flatbuffers
import websockets
from rotunda import Frame, Message
from rotunda.BodyFormat import BodyFormat
from rotunda.Kind import Kind
from rotunda.Opcode import Opcode

TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPAN = 0xB7AD6B7169203331
EVERY_BYTE = bytes(range(256))


def message(builder, opcode, body=None, **fields):
    """Puts a message into the builder: bytes as bytes, anything else as JSON."""
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    vectors = {"body": None if raw is None else builder.CreateByteVector(raw)}
    if "trace_id" in fields:
        vectors["trace_id"] = builder.CreateByteVector(fields.pop("trace_id"))
    for name in [name for name, value in fields.items() if isinstance(value, str)]:
        vectors[name] = builder.CreateString(fields.pop(name))
    Message.Start(builder)
    Message.AddOpcode(builder, opcode)
    if isinstance(body, bytes):
        Message.AddBodyFormat(builder, BodyFormat.Bytes)
    for name, value in {**fields, **vectors}.items():
        if value is not None:
            add = getattr(Message, "Add" + "".join(part.capitalize() for part in name.split("_")))
            add(builder, value)
    return Message.End(builder)


def frame(*messages):
    builder = flatbuffers.Builder(256)
    offsets = [message(builder, opcode, **fields) for opcode, fields in messages]
    Frame.StartMessagesVector(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    vector = builder.EndVector()
    Frame.Start(builder)
    Frame.AddMessages(builder, vector)
    builder.Finish(Frame.End(builder), file_identifier=b"RTD1")
    return bytes(builder.Output())


def read(data):
    assert Frame.Frame.FrameBufferHasIdentifier(data, 0)
    root = Frame.Frame.GetRootAs(data)
    return [root.Messages(i) for i in range(root.MessagesLength())]


def raw(received):
    return bytes(received.Body(i) for i in range(received.BodyLength()))


def value(received):
    assert received.BodyFormat() == BodyFormat.Json
    return json.loads(raw(received) or b"{}")


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.unread = []
        self.seen = []

    async def send(self, opcode, **fields):
        await self.socket.send(frame((opcode, fields)))

    async def next(self, opcode, transaction_id=None, type=None):
        while True:
            for index, received in enumerate(self.unread):
                fits = received.Opcode() == opcode
                fits = fits and (transaction_id is None or received.TransactionId() == transaction_id.encode())
                if fits and (type is None or received.Type() == type.encode()):
                    return self.unread.pop(index)
            arrived = await self.socket.recv()
            assert isinstance(arrived, bytes), "a text frame"
            self.unread += read(arrived)

    async def error(self, transaction_id=None):
        return value(await self.next(Opcode.Error, transaction_id))["code"]


async def talk(url):
    async with websockets.connect(url, subprotocols=["rotunda.v1.flatbuffers"]) as socket:
        assert socket.subprotocol == "rotunda.v1.flatbuffers"
        client = Client(socket)
        session = value(await client.next(Opcode.Welcome))["session"]

        await client.send(Opcode.Subscribe, room="binary", transaction_id="join")
        joined = await client.next(Opcode.Joined, "join")
        assert joined.Room() == b"binary" and value(joined)["head"] == 0

        said = {"user": "Python", "text": "Hello from flatc: \u00fc \U0001f40d"}
        publish = dict(room="binary", type="chat.message", body=said, key="python:1", requires_ack=True)
        trace = dict(trace_id=TRACE, trace_flags=1, span_id=SPAN, parent_span_id=1)
        for transaction_id in ["first", "again"]:
            await client.send(Opcode.Publish, transaction_id=transaction_id, **publish, **trace)
        first, again = [value(await client.next(Opcode.Ack, name)) for name in ["first", "again"]]
        assert first == again == {"id": first["id"], "seq": 1}, "the same key is the same message"
        heard = await client.next(Opcode.Publish, type="chat.message")
        assert value(heard) == said
        assert (heard.Id().decode(), heard.Seq(), heard.Room()) == (first["id"], 1, b"binary")
        assert heard.Emitter().decode() == session and heard.Timestamp() > 1_600_000_000_000
        assert heard.Kind() == Kind.Event and not heard.RequiresAck()
        assert bytes(heard.TraceId(i) for i in range(heard.TraceIdLength())) == TRACE
        assert (heard.SpanId(), heard.TraceFlags()) == (SPAN, 1)

        # Not acknowledged unless it is asked for, and then neither refused: what comes next is the answer to the ping.
        await socket.send(
            frame(
                (Opcode.Publish, dict(room="binary", type="chat.message", body=said, transaction_id="quiet")),
                (Opcode.Ping, dict(transaction_id="ping")),
            )
        )
        assert (await client.next(Opcode.Publish, type="chat.message")).Seq() == 2
        await client.next(Opcode.Pong, "ping")
        assert not any(received.Opcode() == Opcode.Ack for received in client.unread)

        for number, body in enumerate([EVERY_BYTE, b"", EVERY_BYTE * 200]):
            name = f"bytes {number}"
            chunk = dict(room="binary", type="file.chunk", body=body, transaction_id=name, requires_ack=True)
            await client.send(Opcode.Publish, **chunk)
            await client.next(Opcode.Ack, name)
            heard = await client.next(Opcode.Publish, type="file.chunk")
            assert heard.BodyFormat() == BodyFormat.Bytes and raw(heard) == body, name
        await client.send(Opcode.Subscribe, room="binary", transaction_id="replay", body={"last": 3})
        await client.next(Opcode.Joined, "replay")
        for body in [EVERY_BYTE, b"", EVERY_BYTE * 200]:
            assert raw(await client.next(Opcode.Publish, type="file.chunk")) == body, "from the log"

        await client.send(Opcode.Publish, room="binary", type="chat.stats", transaction_id="rpc", kind=Kind.Request)
        reply = await client.next(Opcode.Publish, "rpc")
        assert (reply.Kind(), reply.Type(), value(reply)) == (Kind.Reply, b"chat.stats", {"members": 1})

        await client.send(200, body=b"\x01\x02\x03", transaction_id="opcode")
        assert raw(await client.next(200, "opcode")) == b"\x03\x02\x01"

        for opcode, code in [(199, "unknown_type"), (0, "unknown_type"), (999, "unknown_type")]:
            await client.send(opcode, transaction_id=f"bad {opcode}")
            assert await client.error(f"bad {opcode}") == code, opcode
        await client.send(Opcode.Publish, room="binary", type="chat.message", body=42, transaction_id="x", requires_ack=True)
        assert await client.error("x") == "invalid_payload"
        for junk in [b"", b"junk", frame((Opcode.Ping, {}))[:-4], '{"type":"session.ping"}']:
            await socket.send(junk)
            assert await client.error() == "invalid_frame", junk
        await client.send(Opcode.Ping, transaction_id="still here")
        await client.next(Opcode.Pong, "still here")

        async with websockets.connect(url, subprotocols=["rotunda.v1.json"]) as other:
            await other.recv()
            await other.send('{"type":"room.join","room":"binary","payload":{}}')
            await other.recv()
            await client.send(Opcode.Publish, room="binary", type="file.preview", body=EVERY_BYTE)
            seen = json.loads(await other.recv())
            assert (seen["encoding"], seen["payload"][:8]) == ("base64", "AAECAwQF"), "bytes in JSON"
            await other.send('{"type":"file.preview","room":"binary","encoding":"base64","payload":"AQID"}')
            assert raw(await client.next(Opcode.Publish, type="file.preview")) == EVERY_BYTE
            assert raw(await client.next(Opcode.Publish, type="file.preview")) == b"\x01\x02\x03", "bytes from JSON"

        await client.send(Opcode.Unsubscribe, room="binary", transaction_id="leave")
        await client.next(Opcode.Left, "leave")
        print("done in both languages")


asyncio.run(asyncio.wait_for(talk(sys.argv[2]), 30))
