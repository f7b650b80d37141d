"""Nodes that make a case exact. They enter like any plugin: as classes in a catalog."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, Literal

from patchbay.nodes.contract import (
    Context,
    Field,
    JsonValue,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.values import Document, Opening, SecretRef, Spec


class Text(Node):
    """Give a text."""

    kind, title, family = "test.text", "Text", "Test"

    class Params(NodeParams):
        text: str = "hi"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(text=params.text)


class FileText(Node):
    """Give the text of a file that a param names."""

    kind, title, family = "test.file_text", "File text", "Test"

    class Params(NodeParams):
        path: str = "note.txt"

    class Outputs(Ports):
        text: str

    @classmethod
    def content(cls, params: Params, folder: Path | None) -> JsonValue:
        path = (folder or Path()) / params.path
        if not path.exists():
            raise NodeError("It cannot be read.")
        return path.read_text()

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(text=((ctx.folder or Path()) / params.path).read_text())


class Upper(Node):
    """Write a text in capitals; counts how often it ran by appending to a file."""

    kind, title, family = "test.upper", "Upper", "Test"

    class Params(NodeParams):
        log: str = ""
        wait_s: float = 0.0

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if params.wait_s:
            await asyncio.sleep(params.wait_s)
        if params.log:
            with Path(params.log).open("a", encoding="utf-8") as file:
                file.write(inputs.text + "\n")
        return self.Outputs(text=inputs.text.upper())


class Random(Upper):
    """Like Upper, but never the same twice as far as anybody knows."""

    kind, title, deterministic = "test.random", "Random", False


class Gate(Upper):
    """Like Upper, once a test has opened it; the first `free` of a test pass at any time.

    For whatever has to happen while a node works, however long a busy machine takes for it.
    """

    kind, title, deterministic = "test.gate", "Gate", False
    opened: ClassVar[threading.Event] = threading.Event()
    passed: ClassVar[int] = 0

    class Params(Upper.Params):
        free: int = 0

    @classmethod
    def shut(cls) -> None:
        """As it is where a test begins."""
        cls.opened.clear()
        cls.passed = 0

    async def run(self, inputs: Upper.Inputs, params: Params, ctx: Context) -> Upper.Outputs:  # type: ignore[override]
        Gate.passed += 1
        if Gate.passed > params.free:
            await gate_is_open()
        return await super().run(inputs, params, ctx)


async def gate_is_open() -> None:
    """Wait for it."""
    while not Gate.opened.is_set():
        await asyncio.sleep(0.005)


class Rendezvous(Node):
    """Wait until as many of these as `parties` run at the same time."""

    kind, title, family = "test.rendezvous", "Rendezvous", "Test"
    waiting: ClassVar[dict[str, asyncio.Barrier]] = {}

    class Params(NodeParams):
        parties: int = 2
        name: str = "default"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        barrier = self.waiting.setdefault(params.name, asyncio.Barrier(params.parties))
        async with asyncio.timeout(60):
            await barrier.wait()
        return self.Outputs(text="met")


class Meet(Rendezvous):
    """A rendezvous with an input."""

    kind, title = "test.meet", "Meet"

    class Inputs(Ports):
        text: str


class Fail(Node):
    """Fail the first `times` times, as `how` says."""

    kind, title, family = "test.fail", "Fail", "Test"
    deterministic = False
    seen: ClassVar[dict[str, int]] = {}

    class Params(NodeParams):
        times: int = 99
        name: str = "default"
        how: Literal["error", "raise", "final", "memory", "disk", "cancel"] = "error"

    class Inputs(Ports):
        text: str | None

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        count = self.seen[params.name] = self.seen.get(params.name, 0) + 1
        if count > params.times:
            return self.Outputs(text=f"worked at try {count}")
        await ctx.stream("text", "void")
        if params.how == "raise":
            raise ZeroDivisionError("division by zero")
        if params.how == "memory":
            raise MemoryError
        if params.how == "disk":
            raise OSError(28, "No space left on device")
        if params.how == "cancel":
            raise asyncio.CancelledError
        raise NodeError(
            f"no luck {count}", fix="Try harder.", port="text", retry=params.how != "final"
        )


class Hang(Node):
    """Never return: in a coroutine, in a thread that sleeps, or in one that looks at the flag."""

    kind, title, family = "test.hang", "Hang", "Test"
    left: ClassVar[list[str]] = []
    began: ClassVar[list[str]] = []

    class Params(NodeParams):
        how: Literal["async", "thread", "polite"] = "async"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        if params.how == "async":
            self.began.append("async")
            await asyncio.Event().wait()
        await ctx.blocking(self._polite if params.how == "polite" else self._sleep, ctx)
        return self.Outputs(text="never")

    def _sleep(self, ctx: Context) -> None:
        self.began.append("thread")
        try:
            while True:
                time.sleep(0.01)
        finally:
            self.left.append("thread")

    def _polite(self, ctx: Context) -> None:
        flag: threading.Event = ctx.cancelled
        self.began.append("polite")
        flag.wait(600)
        self.left.append("polite")


class HangAt(Node):
    """In capitals; of one text it makes nothing, for ever."""

    kind, title, family = "test.hang_at", "Hang at", "Test"
    done: ClassVar[list[str]] = []

    class Params(NodeParams):
        at: str = "c"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if inputs.text == params.at:
            Hang.began.append("at")
            await asyncio.Event().wait()
        self.done.append(inputs.text)
        return self.Outputs(text=inputs.text.upper())


class Partly(Node):
    """Say what has come about, one way or another, and never return."""

    kind, title, family = "test.partly", "Partly", "Test"

    class Params(NodeParams):
        how: Literal["right", "wrong type", "broken", "secret"] = "right"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        given = {
            "right": lambda: self.Outputs(text="half"),
            "wrong type": lambda: self.Outputs(text=5),  # type: ignore[arg-type]
            "broken": lambda: self.Outputs(text=str(1 // 0)),
            "secret": lambda: self.Outputs(text=ctx.secret(SecretRef(secret="PARTLY_KEY"))),
        }
        ctx.so_far(lambda: self.Outputs(text="less"))
        ctx.so_far(given[params.how])
        Hang.began.append("partly")
        await asyncio.Event().wait()
        raise AssertionError


class Wrong(Node):
    """Return what was not declared."""

    kind, title, family = "test.wrong", "Wrong", "Test"

    class Params(NodeParams):
        what: Literal["type", "name", "dict", "none"] = "type"

    class Outputs(Ports):
        text: str

    class Other(Ports):
        surprise: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Any:
        if params.what == "type":
            return self.Outputs(text=[Document(text="a")])  # type: ignore[arg-type]
        if params.what == "name":
            return self.Other(surprise="!")
        return {"text": "x"} if params.what == "dict" else None


class Switch(Node):
    """Set one of two outputs."""

    kind, title, family = "test.switch", "Switch", "Test"

    class Params(NodeParams):
        way: Literal["left", "right", "neither"] = "left"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        left: str = port(doc="One way.")
        right: str = port(doc="The other.")

    @classmethod
    def exclusive_outputs(cls, params: Params) -> tuple[str, ...]:
        return ("left", "right")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Ports:
        if params.way == "neither":
            return self.output_ports(params)()
        return self.output_ports(params)(**{params.way: inputs.text})


class Join(Node):
    """Join what arrives, with an optional ending."""

    kind, title, family = "test.join", "Join", "Test"

    class Inputs(Ports):
        texts: list[str]
        end: str = port(".", doc="What comes last.")

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Inputs, params: Any, ctx: Context) -> Outputs:
        return self.Outputs(text="+".join(inputs.texts) + inputs.end)


class Leak(Node):
    """Do everything with a secret that must not show it."""

    kind, title, family = "test.leak", "Leak", "Test"
    deterministic = True

    class Params(NodeParams):
        key: SecretRef = SecretRef(secret="PATCHBAY_TEST_KEY")
        how: Literal["output", "stream", "warn", "raise", "progress"] = "output"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        value = ctx.secret(params.key)
        if params.how == "stream":
            for character in f"it is {value}!":
                await ctx.stream("text", character)
        elif params.how == "warn":
            await ctx.warn(f"using {value}")
        elif params.how == "progress":
            await ctx.progress(f"calling with {value}", 1, 2)
        elif params.how == "raise":
            raise RuntimeError(f"401 for key {value}")
        return self.Outputs(text=f"the key is {value}")


class Thing(Spec):
    """Something to open, with bookkeeping. `slots` requests at once, `size` bytes."""

    port: ClassVar[str] = "thing"
    name: str = "thing"
    places: int | None = None
    size: int = 0
    fails: bool = False
    key: SecretRef | None = None
    opened: ClassVar[list[str]] = []
    closed: ClassVar[list[str]] = []

    @property
    def slots(self) -> int | None:
        return self.places

    def memory(self) -> int:
        return self.size

    def open(self, opening: Opening) -> Any:
        for step in range(3):
            opening.report(f"opening {self.name}", step, 3)
            time.sleep(0.01)
        if self.fails:
            raise ValueError("it is broken")
        return self.made()

    def made(self) -> Any:
        """What opening gives."""
        self.opened.append(self.name)
        return _Opened(self.name, self.closed)


class _Opened:
    def __init__(self, name: str, closed: list[str]) -> None:
        self.name, self._closed = name, closed
        self.users = self.most = 0

    def close(self) -> None:
        self._closed.append(self.name)


class MakeThing(Node):
    """Describe a thing."""

    kind, title, family = "test.thing", "Thing", "Test"

    class Params(NodeParams):
        name: str = "thing"
        places: int | None = Field(None)
        size: int = 0
        fails: bool = False

    class Outputs(Ports):
        thing: Thing

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(thing=Thing(**params.model_dump()))


class UseThing(Node):
    """Use a thing for a moment and say how many did so at once, at most.

    It is used until the gate is open where that is asked, or until so many have used it at once.
    """

    kind, title, family = "test.use", "Use", "Test"
    deterministic = False

    class Params(NodeParams):
        wait_s: float = 0.05
        gated: bool = False
        together: int = 1

    class Inputs(Ports):
        thing: Thing

    class Outputs(Ports):
        most: float

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        async with ctx.use(inputs.thing) as opened:
            opened.users += 1
            opened.most = max(opened.most, opened.users)
            if params.gated:
                await gate_is_open()
            async with asyncio.timeout(60):
                while opened.most < params.together:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(params.wait_s)
            opened.users -= 1
            return self.Outputs(most=opened.most)


NODES: tuple[type[Node], ...] = (
    Text,
    FileText,
    Upper,
    Random,
    Gate,
    Rendezvous,
    Meet,
    Fail,
    Hang,
    HangAt,
    Partly,
    Wrong,
    Switch,
    Join,
    Leak,
    MakeThing,
    UseThing,
)
