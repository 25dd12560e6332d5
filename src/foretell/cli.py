"""The command line: a table of commands. What they do stands in the modules that they call."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from foretell.errors import ForetellError, InvalidInput

if TYPE_CHECKING:
    from foretell.engine.engine import Progress
    from foretell.results import Pictured
    from foretell.series import Series
    from foretell.settings import Settings
    from foretell.sql.script import Runner
    from foretell.sql.session import Session
    from foretell.wire.table import Groups

app = typer.Typer(
    help="Forecast in SQL, over files, tables and DuckDB.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FileArgument = Annotated[str, typer.Argument(help="CSV or Parquet, a row per series and time; a pattern; - is stdin.")]
FormatFlag = Annotated[str, typer.Option("--format", "-f", help="table, csv, json or arrow.")]
IdFlag = Annotated[str | None, typer.Option("--id", "--id-col", help="Id columns, comma-separated.")]
TimeFlag = Annotated[str | None, typer.Option("--time", "--time-col", help="Time column.")]
ValueFlag = Annotated[str | None, typer.Option("--value", "--value-col", help="Column to forecast.")]
PlotFlag = Annotated[Path | None, typer.Option("--plot", help="Draw series and answers into this PNG, SVG or PDF.")]
OverwriteFlag = Annotated[bool, typer.Option("--overwrite", help="Write over files that exist.")]
WorkersFlag = Annotated[int | None, typer.Option("--workers", min=0, help="Worker processes (0: this process).")]
RayFlag = Annotated[str | None, typer.Option("--ray", help="Ray cluster: local, auto or host:port.")]
ConfigFlag = Annotated[Path | None, typer.Option("--config", help="The file that the server is started with.")]
UrlFlag = Annotated[str | None, typer.Option("--url", help="The server, where it is not that of the settings.")]
PortFlag = Annotated[
    int | None, typer.Option("--port", "-p", min=1, max=65535, help="Its port, if not that of the settings.")
]


def _seconds(given: float | None) -> float | None:
    if given is not None and not 0 < given <= threading.TIMEOUT_MAX:
        raise InvalidInput("--timeout", f"must be a number of seconds above 0, got {given:g}")
    return given


TimeoutFlag = Annotated[
    float | None, typer.Option("--timeout", help="Give up after this many seconds.", callback=_seconds)
]

log = logging.getLogger(__name__)

COMMENT = re.compile(r"--(\s|.*\n)")
"""SQL that begins with a comment: an option has neither a blank behind its dashes nor a line below it."""
INTERRUPTED = 130
"""What Ctrl-C ends with."""


def main() -> None:
    """The console script: errors of ours are one line on stderr, not a traceback."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr, force=True)
    try:
        app()
    except ForetellError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if error.http_status < 500 else 1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            sys.stdout.flush()
            os._exit(INTERRUPTED)  # at once: Python would wait for the threads that still compute
        raise


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if show:
        import foretell

        typer.echo(f"foretell {foretell.__version__}")
        raise typer.Exit


class Sql(TyperCommand):
    """A command whose argument is SQL, which may begin with a comment and is no option then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if COMMENT.match(arg) else arg for arg in args])


@app.command(cls=Sql)
def sql(
    statements: Annotated[
        str | None, typer.Argument(help="SQL, several separated by ';'. Without, or -: stdin.")
    ] = None,
    db: Annotated[str | None, typer.Option("--db", help="A database file.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="A server: http://user:password@host:port/database.")] = None,
    format: FormatFlag = "table",
    plot: PlotFlag = None,
    overwrite: OverwriteFlag = False,
    workers: WorkersFlag = None,
    timeout: TimeoutFlag = None,
) -> None:
    """Run SQL with FORECAST over CSV and Parquet files, a database file, or the database of a server."""
    from foretell.files import PICTURE_ENDINGS, check_out
    from foretell.render import Printer, checked_format

    chosen = checked_format(format)
    check_out(plot, "--plot", PICTURE_ENDINGS, overwrite)
    if plot is not None and url is not None:
        raise InvalidInput("--plot", "draws what is forecast here, not with --url")
    drawn = plot is None
    with _runner(db, url, workers, timeout) as runner:
        for text in _statements(statements):
            printer = Printer(chosen, sys.stdout.buffer)
            for result in runner.run(text):
                if result.columns and (result.affected is None or chosen == "table"):
                    printer.add(result.arrow())
                if result.pictures:
                    _draw(plot, *result.pictures[-1])
                    drawn = True
            if left_out := printer.end():
                log.warning("%s holds one result, the last; --format csv shows all %d", chosen, left_out + 1)
    if not drawn:
        raise InvalidInput("--plot", "nothing to draw: no statement has FORECAST, ANOMALY_WINDOW or IMPUTATION")


@app.command()
def forecast(
    file: FileArgument,
    horizon: Annotated[int, typer.Option("--horizon", "-n", help="Steps ahead.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="See `foretell models`.")] = None,
    levels: Annotated[str, typer.Option("--levels", help="Quantile levels.")] = "0.1,0.5,0.9",
    id_col: IdFlag = None,
    time_col: TimeFlag = None,
    value_col: ValueFlag = None,
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="A model's option, k=v.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write here (.csv, .json, .parquet, .arrow).")] = None,
    format: FormatFlag = "table",
    plot: PlotFlag = None,
    overwrite: OverwriteFlag = False,
    workers: WorkersFlag = None,
    timeout: TimeoutFlag = None,
) -> None:
    """Forecast every series of a file in long form (unique_id, ds, y and the like are recognised)."""
    from foretell.engine.engine import Control
    from foretell.files import (
        PICTURE_ENDINGS,
        TABLE_ENDINGS,
        check_answered,
        check_out,
        forecast_table_of,
        read_input,
        write_file,
    )
    from foretell.render import checked_format, write
    from foretell.settings import settings

    chosen = checked_format(format)
    check_out(out, "--out", TABLE_ENDINGS, overwrite)
    check_out(plot, "--plot", PICTURE_ENDINGS, overwrite)
    columns: dict[str, Any] = {"id_col": _names(id_col), "time_col": time_col, "value_col": value_col}
    with _session(":memory:", workers, timeout) as session, _progress() as progress:
        table = read_input(session, file)
        control = Control(timeout=timeout, progress=progress)
        name = model or settings().default_model
        made = forecast_table_of(
            session.engine, table, horizon, name, _numbers(levels), columns, _pairs(option), control
        )
    check_answered(made)
    _draw(plot, made.groups, made.forecast)
    if out is None:
        write(made.table, chosen, sys.stdout.buffer)
    else:
        write_file(made.table, out)
        typer.echo(f"{made.table.num_rows:,} rows written to {out}", err=True)


@app.command()
def evaluate(
    file: FileArgument,
    horizon: Annotated[int, typer.Option("--horizon", "-n", help="Steps ahead.")],
    models: Annotated[str, typer.Option("--models", "-m", help="Comma-separated; seasonal_naive is always there.")],
    windows: Annotated[int, typer.Option("--windows", "-w", min=1, help="Back-test windows of each series.")] = 1,
    period: Annotated[int | None, typer.Option("--period", min=1, help="Season in points; else the usual one.")] = None,
    id_col: IdFlag = None,
    time_col: TimeFlag = None,
    value_col: ValueFlag = None,
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="MODEL.k=v, an option of a model.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write a row per model and window here.")] = None,
    format: FormatFlag = "table",
    plot: PlotFlag = None,
    overwrite: OverwriteFlag = False,
    workers: WorkersFlag = None,
) -> None:
    """Back-test models on your own data, against seasonal naive."""
    from foretell.evaluation import (
        draw,
        evaluate,
        summary_rows,
        summary_table,
        unanswered,
        window_table,
    )
    from foretell.files import PICTURE_ENDINGS, TABLE_ENDINGS, check_out, read_input, write_file
    from foretell.render import aligned, checked_format, write

    chosen = checked_format(format)
    check_out(out, "--out", TABLE_ENDINGS, overwrite)
    check_out(plot, "--plot", PICTURE_ENDINGS, overwrite)
    wanted = _names(models)
    if not wanted:
        raise InvalidInput("--models", "name at least one; `foretell models` lists them")
    columns: dict[str, Any] = {"id_col": _names(id_col), "time_col": time_col, "value_col": value_col}
    with _session(":memory:", workers, None) as session:
        table = read_input(session, file)
        told: dict[str, Any] = {"period": period, "options": _pairs(option)}
        made = evaluate(table, wanted, horizon, windows, **told, engine=session.engine, **columns)
    for sentence in unanswered(made):
        log.warning(sentence)
    if chosen == "table":
        typer.echo("\n".join(aligned(summary_rows(made))))
    else:
        write(summary_table(made), chosen, sys.stdout.buffer)
    if out is not None:
        write_file(window_table(made), out)
        typer.echo(f"windows: {out}", err=True)
    if plot is not None:
        draw(made).savefig(plot)
        typer.echo(f"picture: {plot}", err=True)


@app.command()
def batch(
    source: Annotated[str, typer.Argument(metavar="IN", help="Parquet: a folder, a file, a pattern or a URL.")],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="A folder or URL; a job that was stopped there goes on.")
    ],
    horizon: Annotated[int, typer.Option("--horizon", "-n", help="Steps ahead.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="See `foretell models`.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="local: processes of this machine; ray: actors.")] = "local",
    ray: RayFlag = None,
    levels: Annotated[str, typer.Option("--levels", help="Quantile levels.")] = "0.1,0.5,0.9",
    id_col: IdFlag = None,
    time_col: TimeFlag = None,
    value_col: ValueFlag = None,
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="A model's option, k=v.")] = None,
    workers: WorkersFlag = None,
    shard_rows: Annotated[int, typer.Option("--shard-rows", min=1, help="Rows that a worker holds.")] = 2_000_000,
) -> None:
    """Forecast millions of series, from Parquet to Parquet: in shards, resumable, one failed series never stops it."""
    from foretell.batch import Request, Ticker, Workers, forecast_files
    from foretell.settings import settings

    request = Request.of(model or settings().default_model, horizon, _numbers(levels), _pairs(option))
    columns: dict[str, Any] = {"id_col": _names(id_col), "time_col": time_col, "value_col": value_col}
    ticker = Ticker(lambda line: typer.echo(line, err=True))
    who = Workers.of(engine, workers, ray)
    outcome = forecast_files(source, target, request, who, shard_rows=shard_rows, progress=ticker, **columns)
    typer.echo(outcome.summary(target))
    if problem := outcome.problem():
        raise ForetellError(problem)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port; 6035 is TDgpt's.")] = None,
    also: Annotated[list[int] | None, typer.Option("--also", help="A further port; may be given again.")] = None,
    db: Annotated[Path | None, typer.Option("--db", help="Embedded database, for TDengine's clients.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Own TOML, taosanode.ini or .config.py.")] = None,
    plugins: Annotated[Path | None, typer.Option("--plugins", help="Folder of TDgpt plugins.")] = None,
    workers: WorkersFlag = None,
    ray: RayFlag = None,
) -> None:
    """Serve TDengine as its analytics node, HTTP clients at /v1, --db for TDengine's own; Ctrl-C or SIGTERM stops."""
    from foretell.server import serve as run

    further = tuple(also) if also else None
    run(config, typer.echo, host=host, port=port, also=further, db=db, plugins=plugins, workers=workers, ray=ray)


@app.command("serve-model")
def serve_model(
    name: Annotated[str, typer.Argument(help="A forecaster, or a family such as timemoe.")],
    size: Annotated[str | None, typer.Option("--size", help="Of a family: 200m (timemoe's default) or 50m.")] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="Folder that holds the weights, or shall.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", help="Port; 0 takes a free one.")] = 5001,
    path: Annotated[str, typer.Option("--path", help="Path to answer at.")] = "/ds_predict",
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing.")] = False,
    bounds: Annotated[bool, typer.Option(help="Give bounds where a request asks; they cost more forecasts.")] = True,
) -> None:
    """Serve one model as TDgpt's model servers do; downloads its weights where they are not there."""
    from foretell.model_server import serve_model as run

    run(name, size, weights, path, offline, bounds, typer.echo, _progress, host=host, port=port)


@app.command()
def reload(
    url: UrlFlag = None,
    port: PortFlag = None,
    config: ConfigFlag = None,
) -> None:
    """Let a running server read its plugins and model servers anew; no request is dropped."""
    from foretell.admin import reload as run

    run(_settings_of(config, url, port), url)
    typer.echo("reloaded")


@app.command()
def health(
    url: UrlFlag = None,
    port: PortFlag = None,
    config: ConfigFlag = None,
) -> None:
    """Say whether a server on this machine answers; ends with an error if not."""
    from foretell.admin import health as run

    run(_settings_of(config, url, port), url)
    typer.echo("ok")


def _settings_of(config: Path | None, url: str | None, port: int | None) -> Settings:
    """The settings of a server that was started with this file, at this port."""
    if url is not None and port is not None:
        raise InvalidInput("--port", "is a part of --url; give one of them")
    if config is None:
        from foretell.settings import settings

        own = settings()
    else:
        from foretell.server import read_all

        own = read_all(config, {})[0]
    return own if port is None else own.model_copy(update={"port": port})


@app.command()
def doctor(config: ConfigFlag = None) -> None:
    """Say what is set up here, what is wrong, and what to do about it. Loads the plugins, changes nothing else."""
    from foretell.doctor import examine

    found = examine(config)
    for finding in found:
        typer.echo(f"{finding.level:<6}{finding.what}" + (f"\n      -> {finding.advice}" if finding.advice else ""))
    if any(finding.level == "wrong" for finding in found):
        raise typer.Exit(1)


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="What the key is called in logs and limits.")],
    scopes: Annotated[str, typer.Option("--scopes", help="Of read, infer, admin.")] = "read,infer",
    rate: Annotated[float | None, typer.Option("--rate", help="Most requests a second.")] = None,
    quota: Annotated[int | None, typer.Option("--quota", help="Most requests a day.")] = None,
) -> None:
    """Make an API key: the secret on stdout, once; the lines for the configuration file on stderr."""
    from foretell.http_api.keys import lines_of, new_secret

    secret = new_secret()
    typer.echo(lines_of(name, secret, _names(scopes) or [], rate, quota), err=True)
    typer.echo(secret)


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(help="Show this model's options and limits; or `pull`, `export`.")
    ] = None,
    weights: Annotated[str | None, typer.Argument(help="With `pull` or `export`: the model.")] = None,
) -> None:
    """List the models, show one, download the weights of one (`pull`), or write it as an ONNX graph (`export`)."""
    from foretell.catalogue import describe, listing
    from foretell.registry import export, pull

    if name not in ("pull", "export"):
        typer.echo(describe(name) if name else listing())
        return
    if weights is None:
        raise InvalidInput(f"models {name}", "say which model, such as timemoe-50m")
    if name == "export":
        typer.echo(f"{weights}: {export(weights)}")
        return
    with _progress(weights) as progress:
        folder = pull(weights, progress)
    typer.echo(f"{weights}: {folder}")


def _session(db: str, workers: int | None, timeout: float | None) -> Session:
    from foretell.library import new_engine
    from foretell.settings import read_settings
    from foretell.sql.session import Session

    values = read_settings(workers=workers, timeout=timeout)
    return Session(db, engine=new_engine(values.workers), timeout=values.timeout)


def _runner(db: str | None, url: str | None, workers: int | None, timeout: float | None) -> Runner:
    """What runs the statements: files alone, a database file, or a server."""
    from foretell.sql.script import OwnDatabase, RemoteDatabase

    if db is not None and url is not None:
        raise InvalidInput("--url", "a database file or a server, not both")
    if url is not None:
        return RemoteDatabase(url, timeout)
    session = _session(":memory:", workers, timeout)
    return session if db is None else OwnDatabase(db, session.engine, timeout)


def _statements(argument: str | None) -> Iterator[str]:
    """The statement given, or all of stdin; at a terminal, one after the other as they are typed."""
    if argument not in (None, "-"):
        yield argument
    elif not sys.stdin.isatty():
        yield sys.stdin.read()
    else:
        yield from _typed()


def _typed() -> Iterator[str]:
    typer.echo("End a statement with ';'. Ctrl-D leaves.", err=True)
    lines: list[str] = []
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            lines.append(input("      ...> " if lines else "foretell> "))
            if lines[-1].rstrip().endswith(";"):
                yield "\n".join(lines)
                lines.clear()


@contextlib.contextmanager
def _progress(what: str = "series") -> Iterator[Progress | None]:
    """A bar on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _draw(path: Path | None, groups: Groups, answer: Pictured, ahead: Sequence[Series] | None = None) -> None:
    if path is None:
        return
    from foretell.picture import save

    save(path, groups, answer, ahead)
    typer.echo(f"picture: {path}", err=True)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InvalidInput("--levels", f"must be numbers such as 0.1,0.5,0.9, got {text!r}") from None


def _pairs(texts: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InvalidInput("--option", f"must be k=v, got {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs
