"""``python -m customer_behavior.demo``: what ``make run`` calls."""

import sys

from customer_behavior.demo.run import run_demonstration
from customer_behavior.local.cli import guarded, say, stack_options
from customer_behavior.local.options import REPOSITORY

sys.exit(guarded(lambda: run_demonstration(stack_options(REPOSITORY / ".run"), say=say)))
