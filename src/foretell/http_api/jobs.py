"""Long work: a job is a verb's request that is kept in a folder, done in pieces and outlives a restart.

    folder/ID/job.json         what is asked, by whom, how far it is
    folder/ID/request          the body as it came
    folder/ID/result.json, .arrow

A file is written beside its place and then put there, so that what lies in a folder is whole. Work that was under way
when the server went down begins again: an answer is a plain function of its request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from foretell.engine.loop import at_most
from foretell.engine.serving import BATCH_BUDGET, Serving
from foretell.errors import ForetellError, InvalidInput, NotAvailable, Overloaded, UnknownName
from foretell.file_lock import FileLock
from foretell.http_api.bodies import JSON, read, written
from foretell.http_api.verb import Asking, Question, Verb
from foretell.http_api.verbs import VERBS
from foretell.settings import Settings
from foretell.wire.ipc import ARROW
from foretell.wire.masking import mask

log = logging.getLogger("foretell.jobs")
PIECE = 10 * BATCH_BUDGET
"""Cost of a piece in microseconds, rough: what interactive work may have to wait for."""
AHEAD = 2
"""Pieces of a job under way at once: the next one is there when a worker is free."""
RESULTS = {JSON: "result.json", ARROW: "result.arrow"}
State = Literal["queued", "running", "done", "failed", "cancelled"]


class Job(msgspec.Struct):
    """Times are seconds since the epoch; `done` of `total` series are answered."""

    id: str
    verb: str
    content_type: str
    query: dict[str, str]
    created: float
    owner: str = ""
    state: State = "queued"
    done: int = 0
    total: int = 0
    finished: float | None = None
    error: str | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


@dataclass(slots=True)
class Jobs:
    """The jobs of one server; `workers` run at once, in the order in which they came."""

    folder: Path
    settings: Settings
    serving: Serving
    workers: int = 2
    _jobs: dict[str, Job] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _lanes: list[asyncio.Task[None]] = field(default_factory=list)
    _lock: FileLock | None = None

    async def start(self) -> None:
        """Read what is there; what was under way waits again."""
        if self.folder.exists() and self._owns_folder():
            self._read()
        self._lanes = [asyncio.ensure_future(self._lane()) for _ in range(self.workers)]

    def _owns_folder(self) -> bool:
        """Whether no other server has this folder; from now on this one has."""
        if self._lock is None:
            lock = FileLock(self.folder / "lock")
            self._lock = lock if lock.take() else None
        return self._lock is not None

    def _read(self) -> None:
        for path in sorted(self.folder.glob("*/job.json")):
            with contextlib.suppress(msgspec.DecodeError, OSError):
                job = msgspec.json.decode(path.read_bytes(), type=Job)
                if not job.over:
                    job.state, job.done = "queued", 0
                self._jobs[job.id] = job

    async def stop(self) -> None:
        """Give up what runs; it begins again at the next start."""
        for task in (*self._lanes, *self._running.values()):
            task.cancel()
        await asyncio.gather(*self._lanes, *self._running.values(), return_exceptions=True)
        if self._lock is not None:
            self._lock.leave()

    async def submit(self, verb: str, body: bytes, content_type: str, query: dict[str, str], owner: str) -> Job:
        """A new job, once its request has been read without a fault, its models found and it been kept."""
        if verb not in VERBS:
            raise UnknownName("verb", verb, VERBS, "verb")
        if sum(not job.over for job in self._jobs.values()) >= self.settings.queue_limit:
            raise Overloaded(f"{self.settings.queue_limit} jobs wait; try again later")
        question = await read(VERBS[verb], body, content_type, query, self.settings.body_limit)
        VERBS[verb].check(question.parameters, self.settings, self.serving.engine.models)
        self._sweep()
        job = Job(uuid.uuid4().hex, verb, content_type, query, time.time(), owner)
        await asyncio.to_thread(self._keep_new, job, body)
        self._jobs[job.id] = job
        self._wake.set()
        return job

    def list(self, owner: str) -> list[Job]:
        """The jobs of an owner, newest first."""
        found = [job for job in self._jobs.values() if job.owner == owner]
        return sorted(found, key=lambda job: job.created, reverse=True)

    def find(self, id: str, owner: str) -> Job:
        job = self._jobs.get(id)
        if job is None or job.owner != owner:
            raise UnknownName("job", id, None)
        return job

    async def result(self, job: Job, media_type: str) -> bytes:
        if job.state != "done":
            raise InvalidInput("job", f"has no result: it is {job.state}" + (f": {job.error}" if job.error else ""))
        return await asyncio.to_thread((self.folder / job.id / RESULTS[media_type]).read_bytes)

    async def drop(self, job: Job) -> Job:
        """Stop a job that runs or waits; take away one that is over."""
        if job.over:
            del self._jobs[job.id]
            await asyncio.to_thread(shutil.rmtree, self.folder / job.id, ignore_errors=True)
            return job
        self._end(job, "cancelled")
        if job.id in self._running:
            self._running[job.id].cancel()
        return job

    async def _lane(self) -> None:
        """Run one job after the other."""
        while True:
            job = next((j for j in self._jobs.values() if j.state == "queued"), None)
            if job is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            job.state = "running"
            task = self._running[job.id] = asyncio.ensure_future(self._carry_out(job))
            try:
                await asyncio.wait((task,))
            finally:
                del self._running[job.id]

    async def _carry_out(self, job: Job) -> None:
        try:
            await self._run(job)
        except asyncio.CancelledError:
            raise
        except ForetellError as error:
            self._end(job, "failed", mask(str(error)))
        except Exception:
            log.exception("job %s", job.id)
            self._end(job, "failed", "internal error; the log of the server says more")
        else:
            self._end(job, "done")

    async def _run(self, job: Job) -> None:
        verb, folder = VERBS[job.verb], self.folder / job.id
        body = await asyncio.to_thread((folder / "request").read_bytes)
        question = await read(verb, body, job.content_type, job.query, self.settings.body_limit)
        pieces = verb.pieces(question.inputs, self._points(verb, question))
        job.total = sum(map(len, pieces))
        self._keep(job)
        parts: list[Any] = [None] * len(pieces)
        asking = self._asking(question)

        async def one(i: int) -> None:
            parts[i] = pieces[i], await verb.ask(asking, question.parameters, pieces[i])
            job.done += len(pieces[i])
            self._keep(job)

        await at_most(AHEAD, [partial(one, i) for i in range(len(pieces))])
        for media_type, name in RESULTS.items():
            data = await asyncio.to_thread(written, verb, parts, media_type)
            await asyncio.to_thread(_put, folder / name, data)

    def _asking(self, question: Question) -> Asking:
        """The time of a job begins when it runs, and is one for all of its pieces."""
        timeout = question.parameters.timeout
        return Asking(self.serving, self.settings, None if timeout is None else time.monotonic() + timeout, later=True)

    def _points(self, verb: Verb, question: Question) -> int:
        """How many points make a piece."""
        if verb.kind is None:
            return 1
        entry = self.serving.engine.models.find(verb.model(question.parameters, self.settings), verb.kind)
        return max(1, int(PIECE / entry.limits.cost))

    def _end(self, job: Job, state: State, error: str | None = None) -> None:
        if not job.over:
            job.state, job.error, job.finished = state, error, time.time()
            self._keep(job)

    def _keep(self, job: Job) -> None:
        with contextlib.suppress(FileNotFoundError):  # dropped meanwhile
            _put(self.folder / job.id / "job.json", msgspec.json.encode(job))

    def _keep_new(self, job: Job, body: bytes) -> None:
        try:
            (self.folder / job.id).mkdir(parents=True, mode=0o700)
            if not self._owns_folder():
                raise NotAvailable(f"jobs are kept in {self.folder}, which another server has; set state_dir")
            _put(self.folder / job.id / "request", body)
            _put(self.folder / job.id / "job.json", msgspec.json.encode(job))
        except OSError as error:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)
            raise Overloaded(f"the job cannot be kept: {error.strerror}") from None

    def _sweep(self) -> None:
        """Take away what was over long ago."""
        old = time.time() - self.settings.job_age
        for job in [j for j in self._jobs.values() if j.over and (j.finished or 0) < old]:
            del self._jobs[job.id]
            shutil.rmtree(self.folder / job.id, ignore_errors=True)


def _put(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".new")
    beside.write_bytes(data)
    beside.replace(path)
