-- An order with its archive is longer than two kilobytes. Before Postgres moves the archive out, it
-- tries to compress every other long column, and the small parts of an order do not become smaller:
-- a ninth of the time of a COPY. MAIN compresses them only where moving the archive is not enough.
-- Rows that are there stay as they are.
ALTER TABLE commerce.orders
    ALTER billing_address SET STORAGE MAIN,
    ALTER shipping_address SET STORAGE MAIN,
    ALTER attributes SET STORAGE MAIN,
    ALTER tax_lines SET STORAGE MAIN,
    ALTER shipping_lines SET STORAGE MAIN,
    ALTER discount_applications SET STORAGE MAIN;
