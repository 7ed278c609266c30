-- In the order in which a customer's orders are ranked: that order, asked for, tells Postgres which
-- index to take on a table that it knows nothing of. With the plain one it read a whole shop per order.
DROP INDEX analytics.customer_orders_customer;
CREATE INDEX customer_orders_customer
    ON analytics.customer_orders (tenant_id, shop_id, customer_id, processed_at, order_id);
