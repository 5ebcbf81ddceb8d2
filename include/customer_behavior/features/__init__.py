"""What is known of each customer: the daily rollup, and snapshots as of a date."""
