"""One analytics node: its settings, its names, its engine. Endpoints are functions of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from foretell.engine.serving import Serving
from foretell.engine.whitenoise import is_white_noise
from foretell.errors import ForetellError, InvalidInput, UnknownName, WhiteNoise
from foretell.registry import Entry, Kind, Registry
from foretell.settings import Settings
from foretell.tdgpt.catalogue import Catalogue, Offer
from foretell.tdgpt.inside import Inside
from foretell.tdgpt.local import Local
from foretell.tdgpt.model_servers import KINDS, check_name, entry_of
from foretell.tdgpt.plugins.offers import Loaded, load
from foretell.tdgpt.plugins.shim import Configuration
from foretell.tdgpt.reader import Reader
from foretell.wire.tdgpt import Question
from foretell.wire.tdgpt_answers import MAX_NAME, Answer, encode, list_answer

log = logging.getLogger("foretell.tdgpt")
RELOADED = ("plugins", "tsfm_service", "timemoe_fc", "host_option", "missing_interval")
"""Settings that a reload reads anew, beside what lies in the folder of plugins."""


@dataclass(slots=True)
class Node:
    """`listing` is /list as bytes, made when the names change: taosd waits 100 ms for it."""

    settings: Settings
    serving: Serving
    catalogue: Catalogue = field(default_factory=Catalogue)
    loaded: Loaded = field(default_factory=Loaded)
    reader: Reader = field(default_factory=Reader)
    inside: Inside = field(default_factory=Inside)
    listing: bytes = b""
    reread: Callable[[], Settings] | None = None
    """The settings as they are in their files now."""
    models: Registry = field(init=False)
    """What is installed here. The engine knows names by it and, before them, by the catalogue."""
    _reloading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.models = self.serving.engine.models

    async def reload(self) -> None:
        """Read anew what may change while the node runs. An error leaves everything as it was."""
        async with self._reloading:
            await self._reload()

    async def _reload(self) -> None:
        if self.models.twice:
            raise self.models.twice[0]
        fresh = self.reread() if self.reread is not None else self.settings
        settings = self.settings.model_copy(update={name: getattr(fresh, name) for name in RELOADED})
        configuration = Configuration(settings.tsfm_service, str(settings.model_dir or ""))
        copy_point = _copy_point(settings)
        loaded = await load(settings.plugins, configuration, self.loaded, settings.queue_limit, copy_point)
        self.models.resolve()
        broken = {**self.models.broken, **loaded.broken}
        try:
            catalogue = Catalogue.of([*loaded.plugins, *self._servers(settings), *self._local(copy_point)], broken)
            models = self.models.beneath(o.entry for o in catalogue.winners() if o.source != "local")
            self._keep_default(models)
            self._say_time_moe(catalogue)
        except ForetellError:
            loaded.leave(self.loaded)
            raise
        before, self.loaded, self.catalogue, self.settings = self.loaded, loaded, catalogue, settings
        self.serving.engine.models = models
        self.inside.serve(self.ask)
        self.listing = encode(list_answer(_algorithms(catalogue)))
        self.serving.cache.clear()
        before.leave(loaded)
        for offer in catalogue.winners():
            if len(offer.name.encode()) > MAX_NAME:
                log.warning("%s is not in /list: TDengine takes names of %d bytes at most", offer.name, MAX_NAME)
        for place, reason in broken.items():
            log.error("%s offers nothing: %s", place, reason)

    def _keep_default(self, models: Registry) -> None:
        """InvalidInput where the default model, which is known now, would not be known by `models`."""
        name = self.settings.default_model
        try:
            self.serving.engine.models.find(name)
        except ForetellError:
            return
        named(models, "default_model", name)

    def _say_time_moe(self, catalogue: Catalogue) -> None:
        """Log what answers to timemoe-fc; InvalidInput where the setting names nothing that is known."""
        winner = catalogue.winner("forecast", "timemoe-fc")
        if winner is not None and winner.source != "local":
            log.info(
                "timemoe-fc is the %s",
                f"plugin {winner.place}" if winner.source == "plugin" else f"model server {winner.place}",
            )
            return
        for entry in self.models.named("timemoe-fc"):
            needed = entry.missing()
            if not entry.stands_for and needed is not None:
                raise InvalidInput("", needed)
            log.info("timemoe-fc is %s%s", entry.stands_for, f", which cannot run here: {needed}" if needed else "")

    async def close(self) -> None:
        self.loaded.close()
        self.reader.close()
        await self.serving.pools.aclose()

    async def ask(self, kind: Kind, read: Callable[[bytes], Question], body: bytes) -> Answer:
        """The answer to the body of a POST; raises ForetellError."""
        question = await self.reader.read(read, body)
        offer = self._offer(kind, question)
        if question.wncheck and is_white_noise(question.values):
            raise WhiteNoise
        patience = min(question.timeout, self.settings.request_timeout)
        return await offer.answer(question, time.monotonic() + patience)

    def _offer(self, kind: Kind, question: Question) -> Offer:
        """Who answers: the winner of the name, or the server that the option `host` names, where that is allowed."""
        host = question.params.get("host")
        if host is None:
            return self._winner(kind, question.algo)
        if host not in self.settings.host_option:
            raise InvalidInput("host", "is refused: the node's setting host_option does not allow this address")
        server = self._server(question.algo, host, _copy_point(self.settings))
        if server.kind != kind:
            names = ", ".join(KINDS)
            raise InvalidInput("host", f"a model server has imputations as {names}, and forecasts else; this is {kind}")
        return server

    def _winner(self, kind: Kind, name: str) -> Offer:
        """The winner of a name; NotAvailable says what a name that is known needs to run here."""
        try:
            return self.catalogue.find(kind, name)
        except UnknownName:
            with contextlib.suppress(UnknownName):
                self.models.find(name, kind)
            raise

    def _local(self, copy_point: bool) -> Iterator[Offer]:
        for entry in self.models.entries():
            for name in (entry.name, *entry.aliases):
                yield Local(name, entry, self.serving, copy_point)

    def _servers(self, settings: Settings) -> Iterator[Offer]:
        copy_point = _copy_point(settings)
        for name, url in settings.tsfm_service.items():
            check_name(name)
            yield self._server(name, url, copy_point)
        if is_url(settings.timemoe_fc):
            yield self._server("timemoe-fc", settings.timemoe_fc, copy_point)

    def _server(self, name: str, url: str, copy_point: bool) -> Local:
        return Local(name, entry_of(name, url), self.serving, copy_point, "url")


def _copy_point(settings: Settings) -> bool:
    """Whether bounds that nobody knows are copies of the point forecast, as TDgpt's are."""
    return settings.missing_interval == "point"


def named(models: Registry, field: str, name: str) -> Entry:
    """The model that a setting names; InvalidInput, with the setting, if it is unknown or cannot run here."""
    try:
        return models.find(name)
    except ForetellError as error:
        raise InvalidInput(field, str(error)) from None


def is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _algorithms(catalogue: Catalogue) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for offer in catalogue.winners():
        about = {"name": offer.name, "desc": offer.description, **offer.about()}
        found.setdefault(offer.kind, []).append(about)
    return found
