"""How good a model is: back-tests on your data and on public sets, with a table and a picture."""

from foretell.evaluation.backtest import Evaluation
from foretell.evaluation.own_data import evaluate, options_by_model
from foretell.evaluation.picture import draw
from foretell.evaluation.report import summary_rows, summary_table, unanswered, window_table

__all__ = [
    "Evaluation",
    "draw",
    "evaluate",
    "options_by_model",
    "summary_rows",
    "summary_table",
    "unanswered",
    "window_table",
]
