"""Which names the node answers to, and who answers.

For one name a plugin wins over a URL, a URL over a local model; two of the same rank are an error. The winner and what
it hides are shown at /models. The other doors of the server (our own, SQL) know the winners by their entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from foretell.errors import InvalidInput, NotAvailable, UnknownName
from foretell.registry import Entry, Kind
from foretell.wire.tdgpt import Question
from foretell.wire.tdgpt_answers import Answer

Source = Literal["plugin", "url", "local"]
RANK: Mapping[Source, int] = {"plugin": 0, "url": 1, "local": 2}

MISSING: Mapping[tuple[Kind, str], str] = {
    ("forecast", "moirai"): "needs a model server: a URL under moirai in [tsfm-service]",
    ("forecast", "chronos"): "needs a model server: a URL under chronos in [tsfm-service]",
    ("forecast", "timesfm"): "needs a model server: a URL under timesfm in [tsfm-service]",
    ("forecast", "sample_forecast_model"): "is an unfinished sample of TDgpt that is not offered; try foretell-small",
    ("anomaly", "sample_ad_model"): "is a Keras autoencoder that is not offered; try iqr, ksigma, grubbs, lof or shesd",
    ("anomaly", "autoencoder"): "is a Keras model that is not offered; try iqr, ksigma, grubbs, lof or shesd",
    ("imputation", "moment"): "needs a model server: a URL under moment in [tsfm-service]",
}
"""Names of TDgpt, and what it takes that they run here."""


class Offer(Protocol):
    """Somebody who answers to a name. `place` is where it comes from: an entry point, a URL, a file."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def source(self) -> Source: ...

    @property
    def description(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def entry(self) -> Entry:
        """What the name means at the other doors of the server."""
        ...

    def about(self) -> Mapping[str, Any]:
        """What /list says of it beside name and description."""
        ...

    async def answer(self, question: Question, deadline: float) -> Answer: ...


@dataclass(slots=True)
class Catalogue:
    """The offers by kind and name; `broken` says which places offer nothing, and why."""

    broken: Mapping[str, str] = field(default_factory=dict)
    _by_name: dict[tuple[Kind, str], list[Offer]] = field(default_factory=dict)

    @classmethod
    def of(cls, offers: Iterable[Offer], broken: Mapping[str, str]) -> Catalogue:
        catalogue = cls(dict(broken))
        for offer in offers:
            catalogue._add(offer)
        return catalogue

    def _add(self, offer: Offer) -> None:
        same = self._by_name.setdefault((offer.kind, offer.name.lower()), [])
        for other in same:
            if other.source == offer.source:
                raise InvalidInput(
                    offer.name, f"is the name of two {offer.source} algorithms: {other.place} and {offer.place}"
                )
        same.append(offer)
        same.sort(key=lambda o: RANK[o.source])

    def find(self, kind: Kind, name: str) -> Offer:
        """The winner of a name, in any case; NotAvailable says what a name of TDgpt needs, UnknownName lists them."""
        found = self.winner(kind, name)
        if found is not None:
            return found
        if needs := MISSING.get((kind, name.lower())):
            raise NotAvailable(f"{name} {needs}")
        raise UnknownName(f"{kind} algorithm", name, [o.name for o in self.winners() if o.kind == kind])

    def winner(self, kind: Kind, name: str) -> Offer | None:
        """The winner of a name, in any case; None where nobody offers it."""
        found = self._by_name.get((kind, name.lower()))
        return found[0] if found else None

    def winners(self) -> list[Offer]:
        return sorted((offers[0] for offers in self._by_name.values()), key=lambda o: (o.kind, o.name))

    def hidden(self, winner: Offer) -> list[Offer]:
        """What a winner stands in front of."""
        return self._by_name[winner.kind, winner.name.lower()][1:]
