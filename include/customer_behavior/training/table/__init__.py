"""Training from any table with a label and a time column: no event log, no database."""

from customer_behavior.training.table.files import read_table
from customer_behavior.training.table.results import summary, write_results
from customer_behavior.training.table.rows import train_table
from customer_behavior.training.table.scoring import read_model, score_table
from customer_behavior.training.table.split import SHARES, split_days

__all__ = ["SHARES", "read_model", "read_table", "score_table", "split_days", "summary", "train_table", "write_results"]
