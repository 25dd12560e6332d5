"""How good a model is: back-tests on your data and on public sets, with a table and a picture."""

from foretell.evaluation.backtest import Evaluation
from foretell.evaluation.own_data import evaluate
from foretell.evaluation.picture import draw
from foretell.evaluation.report import summary_rows, summary_table, window_table

__all__ = ["Evaluation", "draw", "evaluate", "summary_rows", "summary_table", "window_table"]
