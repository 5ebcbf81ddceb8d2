"""Error segments: the kinds of customers that the model gets wrong, as rules that can be applied and said in words."""
