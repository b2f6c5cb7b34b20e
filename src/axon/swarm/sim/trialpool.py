"""Trials in virtual time, several at once: each in a child that begins with the network raised.

A network is raised once. A trial uses it up, so each runs in a child process of its own, which has
all memory as it was at that moment and gives back what it found.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from time import perf_counter, process_time

from axon.swarm.blueprint import Blueprint
from axon.swarm.sim.trial import run_trial
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.search import Job, Search
from axon.swarm.trialreport import Resources, TrialReport

Told = Callable[[Job, TrialReport], None]

_context = multiprocessing.get_context("fork")


class TrialPool:
    """A network that is ready to be harmed again and again.

    Args:
        blueprint: of the network.
        seed: of all chance; further attempts at a candidate take the seeds that follow.
        jobs: trials that run at once.
    """

    def __init__(self, blueprint: Blueprint, seed: int, jobs: int) -> None:
        self.blueprint = blueprint
        self.seed = seed
        self._jobs = jobs
        self._stage = Stage(blueprint, seed)
        self._running: dict[Connection, tuple[Job, multiprocessing.process.BaseProcess]] = {}
        gc.collect()
        gc.freeze()  # A child that collects garbage would else copy all pages that it looks at.

    @property
    def is_ready(self) -> bool:
        """Whether the network came to work before anything was harmed."""
        return self._stage.is_ready

    def run(self, search: Search, told: Told, is_time_up: Callable[[], bool]) -> None:
        """Carry trials out until none is left, or time is up.

        Args:
            search: says what to try.
            told: hears of each trial.
            is_time_up: no trial begins once this says so.
        """
        try:
            while True:
                while len(self._running) < self._jobs and not is_time_up():
                    job = search.take()
                    if job is None:
                        break
                    self._begin(job)
                if not self._running:
                    return
                for ended in wait(list(self._running)):
                    assert isinstance(ended, Connection), "only these were asked for"
                    job, report = self._end(ended)
                    search.tell(job, report)
                    told(job, report)
        finally:
            for _, child in self._running.values():
                child.kill()
                child.join()

    def attempt(self, job: Job) -> TrialReport:
        """Carry one trial out in this process; the pool is used up."""
        stage = self._stage if not job.attempt else Stage(self.blueprint, self.seed + job.attempt)
        harm, healing = job.candidate.harm(), job.candidate.healing()
        if not stage.is_ready:
            why = "with this chance the network does not come to work before anything is harmed"
            return TrialReport(harm, healing, trouble=why)
        return run_trial(stage, harm, healing)

    def _begin(self, job: Job) -> None:
        ours, theirs = _context.Pipe(duplex=False)
        child = _context.Process(target=self._work, args=(job, theirs), daemon=True)
        child.start()
        theirs.close()
        self._running[ours] = job, child

    def _work(self, job: Job, out: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # A ctrl-C is for the parent, who ends us.
        began, spent = perf_counter(), process_time()
        report = self.attempt(job)
        most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if sys.platform == "darwin":
            most_kb //= 1024  # There it is in bytes.
        took_s, cpu_s = perf_counter() - began, process_time() - spent
        report.resources = Resources(took_s, cpu_s, most_kb)
        out.send(report)

    def _end(self, connection: Connection) -> tuple[Job, TrialReport]:
        job, child = self._running.pop(connection)
        try:
            report = connection.recv()
        except EOFError:
            child.join()
            report = TrialReport(job.candidate.harm(), job.candidate.healing())
            report.trouble = f"its process ended with {child.exitcode}"
        child.join()
        connection.close()
        assert isinstance(report, TrialReport), "what a child sends"
        return job, report
