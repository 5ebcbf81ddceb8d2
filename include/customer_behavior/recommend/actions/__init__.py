"""Actions: what to do about each scored customer, by rules, with cooldown and holdout."""
