"""How others load the same orders: for comparison in the same run, on the same machine."""
