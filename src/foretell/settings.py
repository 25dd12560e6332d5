"""One frozen settings object. Each value comes from, later wins: the default here, the TOML file that
FORETELL_CONFIG names, the environment (FORETELL_ and the name in capitals), a command's flag.

Unknown keys are errors everywhere.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from foretell.errors import InvalidInput

PREFIX = "FORETELL_"
CONFIG = "FORETELL_CONFIG"
OTHERS = {CONFIG, "FORETELL_DATA"}
"""Variables with our prefix that are no settings: the file of settings, and the folder of public data sets."""
SECRETS = frozenset({"tokens", "admin_token", "keys"})
"""Settings that no message shows."""


Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


Scope = Literal["read", "infer", "admin"]


def _like(pattern: str, form: str) -> AfterValidator:
    """Text of a form that the error names."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"must be {form}")
        return text

    return AfterValidator(check)


Port = Annotated[int, Field(ge=0, le=65535)]
Url = Annotated[str, _like("https?://.+", "an http or https URL")]
Device = Annotated[str, _like(r"cpu|\d+|(GPU|MIG)-[\w./-]+", "cpu, or a GPU as CUDA numbers it: 0, 1, ... or GPU-UUID")]
Hash = Annotated[
    str, _like("[0-9a-fA-F]{64}", "64 hex digits, the SHA-256 of a secret: `foretell key NAME` makes both")
]


class KeySettings(BaseModel):
    """One API key; see http_api/keys.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: Hash = Field(description="SHA-256 of the secret, in hex.")
    scopes: tuple[Scope, ...] = Field(("read", "infer"), description="What it is for.")
    rate: float | None = Field(None, gt=0, description="Most requests a second.")
    quota: int | None = Field(None, gt=0, description="Most requests a day.")


class Environment(EnvSettingsSource):
    """The environment: lists are JSON or `a,b`, tables are JSON. No error shows a value, which may be a secret."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        text, is_list = str(value).strip(), get_origin(field.annotation) is tuple
        if is_list and not text.startswith(("[", "{")):
            parts = [part.strip() for part in text.split(",")]
            if not all(parts):
                raise InvalidInput(PREFIX + field_name.upper(), 'must be a,b or ["a", "b"], and nothing in it empty')
            return parts
        try:
            return json.loads(text)
        except ValueError as error:
            form = 'a,b or JSON, such as ["a", "b"]' if is_list else 'JSON, such as {"name": ...}'
            place = getattr(error, "msg", "not JSON")
            raise InvalidInput(PREFIX + field_name.upper(), f"must be {form} ({place})") from None


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls)

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if cls.model_fields[str(info.field_name)].annotation is not bool and _holds_a_flag(value):
            raise ValueError("must not be true or false")
        return value

    default_model: str = Field(
        "foretell-small", description="Model where none is named, in Python and on the command line."
    )
    workers: int = Field(0, ge=0, le=256, description="Worker processes; 0 computes in the calling process.")
    ray: str = Field("", description="Ray cluster that computes: local, auto or host:port; none: this machine alone.")
    ray_least: int = Field(1, ge=0, le=10_000, description="Fewest actors of a model that was used.")
    ray_most: int = Field(0, ge=0, le=10_000, description="Most actors of a model; 0: as many as `workers`, or cores.")
    ray_idle: float = Field(60.0, gt=0, description="Seconds after which an idle actor beyond the fewest is released.")
    timeout: float | None = Field(None, gt=0, description="Seconds after which a call is given up; none by default.")

    # the server
    host: str = Field("127.0.0.1", description="Address that `foretell serve` listens on.")
    port: Port = Field(6035, description="Port of the server; 0 takes a free one.")
    also: tuple[Port, ...] = Field((), description="Further ports of the same server, such as 6090.")
    db: Path | None = Field(None, description="File of the embedded database, served to TDengine's clients.")
    sql_timeout: float = Field(600.0, gt=0, description="Seconds after which a statement on the database is stopped.")
    sql_memory: str = Field("", description="Memory that DuckDB may take, such as 4GB; empty: its own default.")
    sql_folders: tuple[str, ...] = Field((), description="Folders whose files statements may read; none.")
    sql_writes_files: bool = Field(False, description="Whether statements may write files in these folders.")
    plugins: Path | None = Field(None, description="Folder of TDgpt plugins (fc, ad, imputat, correl, custom).")
    tsfm_service: dict[str, str] = Field({}, description="Model servers: algorithm = URL (TDgpt's [tsfm-service]).")
    timemoe_fc: str = Field("auto", description="Weights behind timemoe-fc: auto, 200m, 50m, mini or a URL.")
    tokens: tuple[str, ...] = Field(
        (), repr=False, description="Secrets, one of which every request must bring; none: open."
    )
    keys: dict[str, KeySettings] = Field({}, description="API keys by name: hash, scopes, rate, quota.")
    admin_token: str = Field(
        "", repr=False, description="Secret of `foretell reload`; one is made at each start if empty."
    )
    tls_certificate: Path | None = Field(None, description="Certificate chain (PEM); with it the server speaks https.")
    tls_key: Path | None = Field(None, description="Private key of the certificate (PEM).")
    tls_clients: Path | None = Field(
        None, description="Certificate authorities (PEM) one of which must have signed a client's certificate."
    )
    clients: tuple[str, ...] = Field((), description="Networks whose clients are let in (10.0.0.0/8); none: all.")
    host_option: tuple[Url, ...] = Field((), description="URLs that the SQL option host= may name, exactly; none.")
    missing_interval: Literal["error", "point"] = Field(
        "error", description="Where bounds are asked for and unknown: an error, or TDgpt's copies of the point."
    )
    body_limit: int = Field(32 << 20, gt=0, description="Largest request body, in bytes.")
    body_timeout: float = Field(60.0, gt=0, description="Seconds for a request's head to arrive, then for its body.")
    request_timeout: float = Field(1200.0, gt=0, description="Most seconds that work for a request may take.")
    preload: tuple[str, ...] = Field((), description="Models that are loaded before the server listens.")
    replicas: dict[str, Annotated[int, Field(ge=1, le=256)]] = Field(
        {}, description="Worker processes of a model: name = count; others have one."
    )
    devices: dict[str, tuple[Device, ...]] = Field(
        {}, description='GPUs of a model: name = ["0", "1"], or ["cpu"]; its processes take them in turns.'
    )
    unload_after: float | None = Field(
        None, gt=0, description="Seconds after which an idle model gives its memory back; never by default."
    )
    memory_budget_mb: int | None = Field(
        None, gt=0, description="MB that idle workers may hold; above, the longest idle models are unloaded."
    )
    cache_mb: int = Field(64, ge=0, description="Most MB of answers kept for equal questions; 0 keeps none.")
    cache_age: float = Field(300.0, gt=0, description="Seconds after which a kept answer is forgotten.")
    queue_limit: int = Field(1000, gt=0, description="Requests that may wait for one model; more are refused.")
    state_dir: Path | None = Field(
        None, description="Folder for jobs and the secret of `foretell reload`; by default the user's state folder."
    )
    job_age: float = Field(7 * 86_400.0, gt=0, description="Seconds for which a job that is over is kept.")
    audit_log: Path | None = Field(None, description="File that notes who asked for what, and who was turned away.")
    app_log: str = Field("", description="File that the server logs to; empty: stderr.")
    log_format: Literal["text", "json"] = Field("text", description="How the server logs: for people or programs.")
    traces: str = Field(
        "",
        pattern="^(https?://.+)?$",
        description="OTLP collector (http://localhost:4318) that gets traces; none by default.",
    )
    log_level: Level = Field("INFO", description="Least level logged.")
    model_dir: Path | None = Field(None, description="Folder of model files.")
    rolling_mb: int = Field(
        1024, ge=0, description="Most megabytes that a worker keeps of series forecast with norm=fixed."
    )
    weights: dict[str, Path] = Field({}, description="Models whose weights lie elsewhere: name = folder.")

    @property
    def scheme(self) -> str:
        """What the server speaks."""
        return "https" if self.tls_certificate else "http"

    def missing_folders(self) -> Iterator[tuple[str, Path]]:
        """Folders of plugins and weights that are named but not there, with the setting that names them."""
        named = {"plugins": self.plugins, "model_dir": self.model_dir}
        named |= {f"weights.{name}": folder for name, folder in self.weights.items()}
        return ((name, folder) for name, folder in named.items() if folder is not None and not folder.is_dir())


@cache
def settings() -> Settings:
    """The settings of this process, read at first use."""
    return read_settings()


def read_settings(beneath: Mapping[str, Any] | None = None, named: str = CONFIG, **flags: Any) -> Settings:
    """Settings with `flags` (those that are not None) on top; InvalidInput names the wrong one and where it stood.

    `beneath` (what a taosanode.ini says) lies under everything but the defaults. `named` is what the user knows the
    file of FORETELL_CONFIG by.
    """
    path = os.environ.get(CONFIG)
    stray = {k for k in os.environ if k.startswith(PREFIX) and k.removeprefix(PREFIX).lower() not in _names()}
    if unknown := stray - OTHERS:
        raise InvalidInput(min(unknown), f"is no setting; known: {', '.join(_names())}")
    values = {**(beneath or {}), **(_read_file(Path(path), named) if path else {})}
    environment = {k: None for k in values if PREFIX + k.upper() in os.environ}
    given = {k: v for k, v in values.items() if k not in environment}
    given.update({k: v for k, v in flags.items() if v is not None})
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]] or ["settings"]
        hidden = place[0] in SECRETS or first["type"] == "extra_forbidden"
        got = "" if hidden else f", got {first.get('input')!r}"
        raise InvalidInput(".".join(place), f"{_reason(first)}{got}") from None


REASONS = {
    "extra_forbidden": f"is not known here; known: {', '.join(sorted(KeySettings.model_fields))}",
    "tuple_type": 'must be a list, such as ["a", "b"]',
    "dict_type": "must be a table, such as {name = ...}",
}
"""Of pydantic's errors, those whose own words speak of Python."""


def _reason(error: Any) -> str:
    """What is wrong with a value, for people."""
    own = error.get("ctx", {}).get("error")
    return str(own) if isinstance(own, ValueError) else REASONS.get(error["type"], str(error["msg"]))


def _holds_a_flag(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_holds_a_flag, value)))


def _names() -> list[str]:
    return sorted(Settings.model_fields)


def _read_file(path: Path, named: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(named, f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(named, f"{path} is not TOML: {error}") from None
    values = {key.replace("-", "_"): value for key, value in values.items()}
    unknown = sorted(set(values) - set(_names()))
    if unknown:
        raise InvalidInput(unknown[0], f"is no setting (in {path}); known: {', '.join(_names())}")
    return values
