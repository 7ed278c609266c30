"""The vocabulary of seeded shops."""

from __future__ import annotations

FIRST_NAMES = (
    "Ada", "Amir", "Ana", "Ben", "Björk", "Carla", "Chen", "Dana", "Eli", "Emma",
    "Femi", "Grace", "Hana", "Ines", "Jonas", "Kai", "Lena", "Luis", "Mara", "Mei",
    "Nadia", "Noah", "Olga", "Omar", "Priya", "Quinn", "Rosa", "Sam", "Søren", "Tara",
    "Uma", "Viktor", "Wren", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abe", "Brown", "Costa", "Diaz", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen",
    "Kim", "Larsen", "Moreau", "Nguyen", "O'Brien", "Patel", "Quiroz", "Rossi", "Silva", "Tran",
    "Ueda", "Vogel", "Wang", "Xu", "Young", "Zhang",
)  # fmt: skip
ADJECTIVES = (
    "Alpine", "Amber", "Classic", "Coastal", "Cotton", "Everyday", "Field", "Forest", "Harbor",
    "Indigo", "Linen", "Merino", "Midnight", "Oak", "Pocket", "Recycled", "River", "Studio",
    "Summit", "Walnut",
)  # fmt: skip
NOUNS = (
    "Apron", "Backpack", "Beanie", "Blanket", "Bottle", "Candle", "Cap", "Hoodie", "Jacket",
    "Journal", "Lamp", "Mug", "Pen", "Planter", "Scarf", "Shirt", "Socks", "Teapot", "Tote",
    "Towel", "Vase", "Wallet",
)  # fmt: skip
VENDORS = ("Northway", "Fenwick & Co", "Atelier Lune", "Kestrel", "Papier/Stein")
COLOURS = ("Black", "Blue", "Green", "Red", "Sand", "White")
SIZES = ("XS", "S", "M", "L", "XL")
PRODUCT_TAGS = ("bestseller", "gift", "new", "sale", "winter")
CUSTOMER_TAGS = ("VIP", "wholesale", "newsletter", "Léon")
ORDER_TAGS = ("express", "gift-wrap", "phone-order", "wholesale")
PLACES = {
    "US": [
        ("New York", "New York", "NY", "United States", "10001", 40.7506, -73.9972),
        ("Chicago", "Illinois", "IL", "United States", "60601", 41.8858, -87.6181),
        ("Austin", "Texas", "TX", "United States", "73301", 30.2672, -97.7431),
        ("Portland", "Oregon", "OR", "United States", "97201", 45.5152, -122.6784),
    ],
    "GB": [
        ("London", "England", "ENG", "United Kingdom", "EC1A 1BB", 51.5202, -0.0977),
        ("Leeds", "England", "ENG", "United Kingdom", "LS1 4AP", 53.7965, -1.5478),
    ],
    "DE": [("Berlin", None, None, "Germany", "10115", 52.532, 13.3849)],
    "CA": [("Toronto", "Ontario", "ON", "Canada", "M5H 2N2", 43.6511, -79.3832)],
    "JP": [("Tokyo", "Tōkyō", "JP-13", "Japan", "100-0001", 35.685, 139.7514)],
}
CURRENCY_COUNTRY = {"USD": "US", "GBP": "GB", "EUR": "DE", "CAD": "CA", "JPY": "JP"}
# Units of the second currency for one unit of the first, as numerator and denominator.
RATES = {
    ("USD", "EUR"): (9213, 10000),
    ("USD", "GBP"): (7889, 10000),
    ("USD", "CAD"): (13642, 10000),
    ("USD", "JPY"): (14931, 100),
    ("GBP", "EUR"): (11677, 10000),
    ("GBP", "USD"): (12676, 10000),
    ("EUR", "USD"): (10854, 10000),
    ("EUR", "GBP"): (8564, 10000),
    ("JPY", "USD"): (67, 10000),
    ("CAD", "USD"): (7330, 10000),
}
TAXES = {
    "US": (("State Tax", 400, 0.04), ("City Tax", 450, 0.045)),
    "GB": (("VAT", 2000, 0.2),),
    "DE": (("MwSt", 1900, 0.19),),
    "CA": (("HST", 1300, 0.13),),
    "JP": (("JCT", 1000, 0.1),),
}
