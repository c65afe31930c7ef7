"""A client of Python's `websockets`, typed from src/protocol/README.md: python_websockets.py <ws url> <http url>"""

import asyncio
import json
import sys
import urllib.request

import websockets


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.unread = []

    async def send(self, **envelope):
        await self.socket.send(json.dumps(envelope))

    async def next(self, **fields):
        while True:
            for index, envelope in enumerate(self.unread):
                if all(envelope.get(name) == value for name, value in fields.items()):
                    return self.unread.pop(index)
            frame = json.loads(await self.socket.recv())
            self.unread += frame if isinstance(frame, list) else [frame]


async def talk(url, http):
    async with websockets.connect(url, subprotocols=["rotunda.v1.json"]) as socket:
        assert socket.subprotocol == "rotunda.v1.json"
        client = Client(socket)
        welcome = (await client.next(type="session.welcome"))["payload"]

        await client.send(type="room.join", room="africa", ref="1", payload={"last": 1})
        joined = (await client.next(type="room.joined", ref="1"))["payload"]
        assert joined["epoch"] == welcome["epoch"]

        said = {"user": "Python", "text": "Hello from websockets: \u00fc \U0001f40d"}
        for _ in range(2):
            await client.send(type="chat.message", room="africa", ref="2", key="python:1", payload=said)
        first = (await client.next(type="ack", ref="2"))["payload"]
        second = (await client.next(type="ack", ref="2"))["payload"]
        assert first == second, "the same key is the same message"
        heard = await client.next(type="chat.message", seq=first["seq"])
        assert (heard["id"], heard["from"], heard["payload"]) == (first["id"], welcome["session"], said)

        await client.send(type="room.history", room="africa", ref="3", payload={"limit": 200})
        history = (await client.next(kind="reply", ref="3"))["payload"]
        assert history["messages"][0] == heard
        assert [message["seq"] for message in history["messages"]] == list(range(history["head"], 0, -1))
        with urllib.request.urlopen(f"{http}/rooms/africa/history?limit=200") as response:
            assert json.load(response) == history

        await client.send(type="no.such.type", ref="4")
        error = (await client.next(type="error", ref="4"))["payload"]
        assert error["code"] == "unknown_type"

        await client.send(type="room.leave", room="africa", ref="5")
        await client.next(type="room.left", ref="5")
        print(f"done after {history['head']} messages")


asyncio.run(talk(*sys.argv[1:3]))
