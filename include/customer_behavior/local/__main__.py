"""``python -m customer_behavior.local``."""

import sys

from customer_behavior.local.cli import main

sys.exit(main())
