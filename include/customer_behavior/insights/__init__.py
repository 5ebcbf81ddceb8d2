"""What moves a whole shop's conversion: a price above which visits hardly buy, and hours that sell more. Frames in, findings out."""

from customer_behavior.insights.peak_hours import Peak, PeakHours, find_peaks
from customer_behavior.insights.price_threshold import PriceFinding, Threshold, find_threshold

__all__ = ["Peak", "PeakHours", "PriceFinding", "Threshold", "find_peaks", "find_threshold"]
