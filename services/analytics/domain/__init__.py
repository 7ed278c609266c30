"""What an order contributes to the shop's numbers: pure arithmetic on values."""
