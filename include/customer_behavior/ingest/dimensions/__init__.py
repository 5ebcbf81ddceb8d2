"""Products, customers and contacts: delivered night by night, kept so that a date sees what was known at it."""
