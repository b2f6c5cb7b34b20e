"""Many machines in a pretend world: one thread, virtual time, and every chance from one seed.

The simulation keeps the promises of `axon.machine` as the driver for the real world does, and adds
what no real world offers: cuts, crashes and clocks on command, the same run twice, and hours within
seconds. Two runs of one seed are equal down to the last byte, which `trace` shows, as long as the
machines and their jobs use no chance or time but what they are handed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from axon.drivers.bounds import RESOLVE_MAX_ENDPOINTS
from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.agenda import Agenda
from axon.drivers.sim.names import Names
from axon.drivers.sim.network import Cut, LinkTable, Shaping, stream
from axon.drivers.sim.program import Program, ProgramSettings
from axon.drivers.sim.streams import Attempt, Host
from axon.drivers.sim.trace import Trace
from axon.errors import AxonError, StorageError
from axon.machine import (
    MILLISECOND,
    SECOND,
    Commanded,
    Dial,
    Endpoint,
    Instant,
    Machine,
    NoCommand,
    Resolve,
    Resolved,
)

START = 1_700_000_000 * SECOND
"""When a simulation begins unless told otherwise: some day in November 2023."""


class NoAnswer(AxonError):
    """A machine did not answer a command in time."""


@dataclass(slots=True)
class Asked:
    """A command on its way.

    Attributes:
        done: the machine has answered.
        value: its answer, None before.
    """

    done: bool = False
    value: object = None


def _no_jobs(job: object) -> object:
    raise AssertionError(f"this node was added without `perform`, but delegates {job!r}")


class Simulation:
    """A network of machines in virtual time.

    Args:
        seed: of all chance in it.
        start: when it begins.
        link: what every link is like for which `shape` says nothing else.

    Attributes:
        seed: as given.
        agenda: what is to happen; `agenda.now` is virtual time.
        trace: the fingerprint of all that has happened.
        failures: why nodes ended that stopped by themselves, with a StorageError.
        on_received: is told all that programs take in from each other: the numbers of sender and
            receiver, and the bytes; nobody by default.
    """

    def __init__(self, seed: int, *, start: Instant = START, link: LinkModel | None = None) -> None:
        self.seed = seed
        self.agenda = Agenda(start, stream(seed, "ties"))
        self.trace = Trace()
        self.failures: dict[int, StorageError] = {}
        self.on_received: Callable[[int, int, bytes], None] | None = None
        self._network = LinkTable(seed, link or LinkModel())
        self._programs: list[Program] = []
        self._numbers: dict[str, int] = {}
        self._listeners: dict[Endpoint, int] = {}
        self._names = Names()
        self._asked: dict[int, Asked] = {}
        self._next_ticket = 0
        self._partitions: list[Cut] = []
        self._dark: dict[int, list[Cut]] = {}
        self._barred: set[int] = set()  # Only asked, never walked.
        self._admitted: dict[int, frozenset[str]] = {}

    @property
    def now(self) -> Instant:
        """Virtual time."""
        return self.agenda.now

    def clock(self, node: int) -> Instant:
        """What the clock of a node says; virtual time while its first machine is being made."""
        programs = self._programs
        return programs[node].clock() if node < len(programs) else self.now

    def random(self, purpose: str, *ids: int) -> Random:
        """A source of chance of its own for a purpose, such as one node's machine."""
        return stream(self.seed, purpose, *ids)

    # Nodes.

    def add(
        self,
        boot: Callable[[Instant], Machine],
        endpoint: Endpoint,
        *,
        perform: Callable[[object], object] = _no_jobs,
        job_time_us: Callable[[object], int] = lambda _: MILLISECOND,
        on_report: Callable[[object, Instant], None] = lambda _fact, _now: None,
        listens: bool = True,
        clock_offset_us: int = 0,
    ) -> int:
        """Start a node.

        Args:
            boot: makes its machine, told the time; called again by each `restart`.
            endpoint: where it listens (see `listen`); it dials from the same host.
            perform: does a `Delegate`d job, in the instant in which the job ends.
            job_time_us: how long a job takes.
            on_report: takes the fact of every `Report`, with the time it was stated.
            listens: whether it accepts connections.
            clock_offset_us: how far its clock is ahead of virtual time.

        Returns:
            Its number, counting up from 0.
        """
        number = len(self._programs)
        settings = ProgramSettings(boot, endpoint, perform, job_time_us, on_report, listens)
        self._numbers.setdefault(endpoint.host, number)
        if listens:
            self.listen(number, endpoint)
        self._programs.append(Program(number, settings, clock_offset_us, self))
        return number

    def listen(self, node: int, endpoint: Endpoint) -> None:
        """Have a node listen at one more address."""
        assert endpoint not in self._listeners, f"two nodes at {endpoint}"
        self._numbers.setdefault(endpoint.host, node)
        self._listeners[endpoint] = node

    def machine(self, node: int) -> Machine:
        """The machine of a node, or the one it had when it crashed."""
        return self._programs[node].machine

    @property
    def count(self) -> int:
        """How many nodes there are, those that have ended included."""
        return len(self._programs)

    def is_stopped(self, node: int) -> bool:
        """Whether it was stopped where it is."""
        return self._programs[node].is_stopped

    def is_running(self, node: int) -> bool:
        """Whether it has neither crashed nor stopped."""
        return self._programs[node].alive

    # Time.

    def run(self, until: Instant) -> None:
        """Let everything happen up to and at an instant.

        Raises:
            Exception: whatever a machine or a job raised, with the seed in its notes; a
                StorageError only ends the node, see `failures`.
        """
        try:
            self.agenda.run(until)
        except Exception as error:
            self._locate(error)
            raise

    def run_until(self, met: Callable[[], bool], limit: Instant, *, every_us: Instant = 0) -> bool:
        """Let things happen until a condition is met; False if `limit` comes first.

        Args:
            met: the condition.
            limit: an instant.
            every_us: so often it is looked at; 0 for after each thing that happens.
        """
        agenda = self.agenda
        try:
            while not met():
                if every_us and agenda.now < limit:
                    agenda.run(min(limit, agenda.now + every_us))
                elif not agenda.step(limit):
                    return met()
        except Exception as error:
            self._locate(error)
            raise
        return True

    def at(self, when: Instant, action: Callable[[], None]) -> None:
        """Do something to this world, or look at it, at an instant that is not past."""
        self.agenda.at(when, action)

    # Commands.

    def command(self, node: int, command: object) -> Asked:
        """Put a command to a machine, now; the answer comes with time. A crash loses it."""
        ticket = self._next_ticket
        self._next_ticket += 1
        asked = self._asked[ticket] = Asked()
        event = Commanded(ticket, command)
        self.at(self.now, lambda: self._programs[node].happened(event))
        return asked

    def ask(self, node: int, command: object, *, within_us: int = 60 * SECOND) -> object:
        """Put a command to a machine and let time pass until it answers.

        Raises:
            NoAnswer: it did not within so much virtual time.
            TypeError: the machine has no such command.
        """
        asked = self.command(node, command)
        if not self.run_until(lambda: asked.done, self.now + within_us):
            raise NoAnswer(f"node {node} did not answer {command!r}")
        if isinstance(asked.value, NoCommand):
            raise TypeError(str(asked.value))
        return asked.value

    # Faults.

    def crash(self, node: int, *, silent: bool = False) -> None:
        """End a program, as `kill -9` does.

        Args:
            silent: its host goes down with it: peers are told nothing, requests stay unanswered.
        """
        program = self._programs[node]
        if not program.alive:
            return
        program.crash(silent=silent)
        if silent:
            host = frozenset({node})
            self._dark[node] = [Cut(host, None, drops=True), Cut(None, host, drops=True)]
            for cut in self._dark[node]:
                self._network.cut(cut)

    def restart(self, node: int) -> None:
        """Start a node that has ended, with a new machine."""
        old = self._programs[node]
        assert not old.alive, f"node {node} is running"
        self.failures.pop(node, None)
        self._programs[node] = Program(node, old.settings, old.clock_offset_us, self)
        for cut in self._dark.pop(node, []):
            self._network.mend(cut)

    def stop(self, node: int) -> None:
        """Stop a program where it is, as SIGSTOP does: its connections stand, and it is silent."""
        self._programs[node].stop()

    def go_on(self, node: int) -> None:
        """Let a stopped program go on."""
        self._programs[node].go_on()

    def slow_down(self, node: int, step_us: int) -> None:
        """Have a program take so much time for each event; 0 for none, as ever."""
        self._programs[node].slow_down(step_us)

    def partition(
        self, groups: Sequence[Iterable[int]], *, one_way: bool = False, drops: bool = False
    ) -> None:
        """Let nothing through between groups of nodes; nodes in no group are not concerned.

        Args:
            groups: numbers of nodes.
            one_way: only what the first group sends to the others is stopped.
            drops: see `Cut`.
        """
        sets = [frozenset(group) for group in groups]
        for sources in sets[:1] if one_way else sets:
            others = frozenset().union(*(group for group in sets if group is not sources))
            cut = Cut(sources, others, drops)
            self._partitions.append(cut)
            self._network.cut(cut)

    def heal(self) -> None:
        """Undo all partitions."""
        partitions, self._partitions = self._partitions, []
        for cut in partitions:
            self._network.mend(cut)

    def cut(self, cut: Cut) -> None:
        """Put a cut in force, until it is mended."""
        self._network.cut(cut)

    def mend(self, cut: Cut) -> None:
        """Undo a cut."""
        self._network.mend(cut)

    def sever(self, a: int, b: int) -> None:
        """Make the connections that now stand between two nodes half-open: neither is told."""
        for near, far in ((a, b), (b, a)):
            for socket in self._programs[near].sockets.values():
                if socket.far.host.number == far:
                    socket.sever()

    def shape(self, a: int, b: int, model: LinkModel) -> None:
        """Have the link between two nodes be like this from now on, both ways."""
        for source, target in ((a, b), (b, a)):
            self.shape_ways(Shaping(frozenset({source}), frozenset({target}), model))

    def shape_ways(self, shaping: Shaping) -> None:
        """Have ways be like this, until that is taken back."""
        self._network.shape(shaping)

    def unshape(self, shaping: Shaping) -> None:
        """Have ways be as they were before."""
        self._network.unshape(shaping)

    def bar(self, node: int, *, barred: bool) -> None:
        """Take a program's way out from it, or give it back, as when its proxy ends.

        What it has dialled is reset, and what it dials is refused; who dials it is not concerned.
        """
        if not barred:
            self._barred.discard(node)
            return
        self._barred.add(node)
        for socket in list(self._programs[node].sockets.values()):
            if socket.ticket is not None:
                socket.reset()

    def admit_only(self, node: int, hosts: frozenset[str]) -> None:
        """Let a node be dialled from these hosts alone, as a firewall does; others are refused."""
        self._admitted[node] = hosts

    def set_clock(self, node: int, offset_us: int) -> None:
        """Put the clock of a node so far ahead of virtual time; it may go back."""
        self._programs[node].set_clock(offset_us)

    def set_name(self, name: str, hosts: tuple[str, ...] | None) -> None:
        """Say what a name resolves to; None for a name server that does not answer."""
        self._names.set(name, hosts)

    # What programs and connections ask.

    def number_of(self, host: str) -> int | None:
        """The node with this address, None if there is none."""
        return self._numbers.get(host)

    def listener(self, endpoint: Endpoint, source: str) -> Host | None:
        """The running program that lets this host in there, None if there is none."""
        number = self._listeners.get(endpoint)
        if number is None or not self._programs[number].alive:
            return None
        admitted = self._admitted.get(number)
        return self._programs[number] if admitted is None or source in admitted else None

    def is_barred(self, number: int) -> bool:
        """Whether what a program dials is refused."""
        return number in self._barred

    def dial(self, program: Program, dial: Dial) -> None:
        """Begin a connection."""
        Attempt(program, program.next_local(dial), dial, self.agenda, self._network, self)

    def resolve(self, program: Program, resolve: Resolve) -> None:
        """Answer from the names that were set; an address in text stands for itself."""
        hosts, wait = self._names.look_up(resolve.host)
        found = tuple(Endpoint(host, resolve.port) for host in hosts[:RESOLVE_MAX_ENDPOINTS])
        event = Resolved(resolve.ticket, found)
        self.agenda.at(self.now + wait, partial(program.happened, event))

    def answered(self, ticket: int, value: object) -> None:
        """A machine answered a command."""
        asked = self._asked.pop(ticket)
        asked.done, asked.value = True, value

    def broke(self, program: Program, error: StorageError) -> None:
        """A disk failed, and its program stopped."""
        self.failures[program.number] = error
        self.crash(program.number)

    def _locate(self, error: Exception) -> None:
        error.add_note(f"simulation: seed {self.seed}, event {self.trace.events}, at {self.now}")
