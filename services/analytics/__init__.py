"""Numbers out of orders: a ledger of contributions and the daily sales that follow from it."""
