"""What to show to each customer and what to do about them."""
