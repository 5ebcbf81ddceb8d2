"""What to show to each customer and what to do about them."""

from customer_behavior.recommend.actions.next_actions import recommend_actions as actions
from customer_behavior.recommend.products.repeat_purchases import recommend_products as products

__all__ = ["actions", "products"]
